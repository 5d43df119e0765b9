"""Topology + what runs now → frozen steps with their dependencies. Pure: no engine, disk or clock.

Convergence, orphan removal and "a changed configuration is really applied" are in ``plan_up``.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import replace

from stack.config.presets import NGINX
from stack.engines.running import DONE, Running, SeenContainer, shown
from stack.engines.steps import (
    CONFIGURE,
    AwaitReady,
    AwaitRoute,
    CreateNetwork,
    CreateVolume,
    Key,
    Kind,
    MakeImage,
    PlaceConfig,
    Plan,
    RemoveAnonymous,
    RemoveContainer,
    RemoveNetwork,
    RemoveVolume,
    RestartContainer,
    RunContainer,
    StartContainer,
    Step,
    Verb,
    pruned,
)
from stack.layout.names import container_name
from stack.layout.topology import Container, FrontRoute, Topology

CHANGED, NEW_IMAGE, FEWER = "changed", "new image", "fewer replicas"  # why a replica is removed


def plan_up(
    topology: Topology,
    running: Running,
    fingerprints: Mapping[str, str],
    contexts: Mapping[str, str],
    *,
    is_config_current: bool,
    is_config_loaded: bool,
    only: Collection[str] = (),
) -> Plan:
    """Plan what brings the project from ``running`` to ``topology``; ``only`` limits the services.

    ``fingerprints`` maps a service to the digest of all that its containers are made from,
    ``contexts`` a service with a Dockerfile to the digest of its build context (empty: always build
    it). ``is_config_current``: the Nginx file on disk is the intended one; ``is_config_loaded``:
    the running Nginx reports that it has loaded it.
    """
    topology = topology.limited(only)
    images = list(_images(topology, running, contexts))
    # With only some services, the rest of the project still uses them.
    stale_networks = set[str]() if only else _stale_networks(topology, running)
    lost = {name for name, _ in topology.networks} - running.networks.keys()
    lost |= set(topology.volumes) - running.volumes
    making = {step.container.image for step in images}
    removals = list(_removals(topology, running, fingerprints, making, stale_networks | lost))
    if only:  # the rest of the project is outside of this command
        limited = {item.service for item in topology.containers}
        removals = [step for step in removals if step.seen.service in limited]
    removed = {step.seen.id for step in removals}
    removal_keys = tuple(step.key for step in removals)
    orphans = set() if only else {*running.networks} - {name for name, _ in topology.networks}
    unwanted = orphans | stale_networks
    # Replicas go one after another, so one always answers. Not where a network is removed: its
    # removal waits for all containers, and the first new replica waits for the network.
    removals = removals if unwanted else [_in_turn(topology, step) for step in removals]
    steps: list[Step] = [*images, *(step for step in removals if not step.after)]
    steps += [
        RemoveNetwork(_network(Verb.REMOVE, name), removal_keys, name=name)
        for name in sorted(unwanted)
    ]
    steps += _foundations(topology, running, stale_networks)
    kept = {seen.id: seen for seen in running.containers if seen.id not in removed}
    steps += _config(kept, is_config_current=is_config_current, is_config_loaded=is_config_loaded)
    for container in topology.containers:
        steps += _replicas(topology, container, removals, kept, fingerprints, running)
    steps += [_await_route(topology, route) for route in topology.routes]
    return Plan(pruned(steps))


def plan_restart(topology: Topology, running: Running, services: Collection[str]) -> Plan:
    """Plan the restart of the containers of ``services``, and the proof that they answer.

    Replicas restart one after another: one of them always answers.
    """
    steps: list[Step] = []
    for item in topology.containers:
        before: tuple[Key, ...] = ()
        for seen in running.of(item.service) if item.service in services else ():
            key, ready = _container(Verb.RESTART, seen.name), _container(Verb.AWAIT, seen.name)
            steps.append(RestartContainer(key, before, seen=seen))
            steps.append(AwaitReady(ready, (key,), container=item, number=seen.number))
            before = (ready,)
    steps += [_await_route(topology, route) for route in topology.routes]
    return Plan(pruned(steps))


def plan_down(running: Running, *, volumes: bool) -> Plan:
    """Plan the removal of all that the project made; volumes only if ``volumes`` is true."""
    removals: list[Step] = [
        RemoveContainer(_container(Verb.REMOVE, seen.name), seen=seen, why="down")
        for seen in (*running.containers, *running.one_offs)
    ]
    keys = tuple(step.key for step in removals)
    steps = list(removals)
    steps += [
        RemoveNetwork(_network(Verb.REMOVE, name), keys, name=name)
        for name in sorted(running.networks)
    ]
    if volumes:
        steps += [
            RemoveVolume(_volume(Verb.REMOVE, name), keys, name=name)
            for name in running.own_volumes
        ]
        steps += [
            RemoveAnonymous(_volume(Verb.REMOVE, shown(name)), keys, volume=name)
            for name in running.anonymous_names
        ]
    return Plan(tuple(steps))


def _images(
    topology: Topology, running: Running, contexts: Mapping[str, str]
) -> Iterator[MakeImage]:
    made = set[str]()
    for container in topology.containers:
        seen = running.images.get(container.image)
        wanted = contexts.get(container.service, "")
        is_own = container.build is not None
        is_stale = seen is None or (is_own and (not wanted or seen.context != wanted))
        if is_stale and container.image not in made:
            made.add(container.image)
            is_forced = is_own and not wanted
            yield MakeImage(_image(container), container=container, is_forced=is_forced)


def _removals(
    topology: Topology,
    running: Running,
    fingerprints: Mapping[str, str],
    making: set[str],
    lost: set[str],
) -> Iterator[RemoveContainer]:
    wanted = {container.service: container for container in topology.containers}
    for seen in running.containers:
        container = wanted.get(seen.service)
        why = ""
        if container is None:
            why = "no longer in stack.yaml"
        elif seen.number > container.replicas:
            why = FEWER
        elif seen.fingerprint != fingerprints[seen.service]:
            why = CHANGED
        elif container.image in making or seen.image_id != running.images[container.image].id:
            why = NEW_IMAGE
        else:
            why = _changed_by_hand(topology.project, container, seen, lost)
        if why:
            is_built = container is not None and container.build is not None
            key = _container(Verb.REMOVE, seen.name)
            yield RemoveContainer(key, seen=seen, why=why, is_built=is_built)


def _changed_by_hand(
    project: str, container: Container, seen: SeenContainer, lost: Collection[str]
) -> str:
    """Return how a container differs from what it was made as; empty if it does not."""
    mounted = {mount.source for mount in container.mounts if mount.is_volume}
    if gone := sorted(set(lost).intersection({*container.networks, *mounted})):
        return f"{gone[0]} is gone or changed"
    if seen.name != container_name(project, seen.service, seen.number):
        return "its name or its labels were changed"
    if seen.networks is not None and not seen.networks.issuperset(container.networks):
        return "it was disconnected from a network"
    if not seen.is_open(container.published):
        return "the engine lost its port"
    if seen.state not in {"running", "exited", "paused", DONE}:
        # Also "created": a process that was killed may not have connected it to all its networks.
        return f"it is {seen.state}"
    return ""


def _stale_networks(topology: Topology, running: Running) -> set[str]:
    return {
        name
        for name, internal in topology.networks
        if running.networks.get(name, internal) != internal
    }


def _in_turn(topology: Topology, step: RemoveContainer) -> RemoveContainer:
    """Remove a replica once all before it answer, also if an earlier ``up`` replaced those."""
    service, number = step.seen.service, step.seen.number
    if step.why not in {CHANGED, NEW_IMAGE, FEWER} or not step.seen.is_running:
        return step
    if step.seen.name != container_name(topology.project, service, number):
        return step  # it may have the name that another one waits for
    return replace(step, after=tuple(_keys(Verb.AWAIT, topology, [service])[: number - 1]))


def _foundations(topology: Topology, running: Running, stale: set[str]) -> list[Step]:
    networks: list[Step] = [
        CreateNetwork(
            _network(Verb.CREATE, name),
            (_network(Verb.REMOVE, name),),
            name=name,
            internal=internal,
        )
        for name, internal in topology.networks
        if name not in running.networks or name in stale
    ]
    volumes: list[Step] = [
        CreateVolume(_volume(Verb.CREATE, name), name=name)
        for name in topology.volumes
        if name not in running.volumes
    ]
    return networks + volumes


def _config(
    kept: Mapping[str, SeenContainer], *, is_config_current: bool, is_config_loaded: bool
) -> list[Step]:
    nginx = next((s for s in kept.values() if s.service == NGINX and s.is_running), None)
    if is_config_current and (nginx is None or is_config_loaded):
        return []
    return [PlaceConfig(CONFIGURE, container_id=nginx.id if nginx else None)]


def _replicas(
    topology: Topology,
    container: Container,
    removals: Collection[RemoveContainer],
    kept: Mapping[str, SeenContainer],
    fingerprints: Mapping[str, str],
    running: Running,
) -> Iterator[Step]:
    mine = [step for step in removals if step.seen.service == container.service]
    late = [step for step in mine if step.after]
    for number in range(1, container.replicas + 1):
        yield from (step for step in late if step.seen.number == number)
        former = [step for step in mine if step.seen.number == number]
        name = container_name(topology.project, container.service, number)
        before = [step.key for step in removals if step in former or step.seen.name == name]
        left = running.left_of(container.service, number)
        inherited = former[-1].seen.anonymous if former else left
        yield from _bring_up(topology, container, number, before, kept, fingerprints, inherited)
    yield from (step for step in late if step.seen.number > container.replicas)


def _bring_up(
    topology: Topology,
    container: Container,
    number: int,
    before: Collection[Key],
    kept: Mapping[str, SeenContainer],
    fingerprints: Mapping[str, str],
    inherited: tuple[tuple[str, str], ...],
) -> list[Step]:
    name = container_name(topology.project, container.service, number)
    place = (container.service, number)
    seen = next((seen for seen in kept.values() if (seen.service, seen.number) == place), None)
    first = [_image(container), *before]
    first += [_network(Verb.CREATE, network) for network in container.networks]
    first += [_volume(Verb.CREATE, mount.source) for mount in container.mounts if mount.is_volume]
    if container.service == NGINX:
        first.append(CONFIGURE)
    # A service that can wait by itself starts with what it needs, but not before it: creating a
    # database takes longest, so it has to begin first.
    first += _keys(Verb.AWAIT if container.waits else Verb.START, topology, container.needs)
    steps: list[Step] = []
    is_done = bool(seen and seen.state == DONE and is_silent(container))
    run_key = _container(Verb.START, name)
    if seen is None:
        steps.append(
            RunContainer(
                run_key,
                tuple(first),
                container=container,
                number=number,
                fingerprint=fingerprints[container.service],
                inherited=inherited,
            )
        )
    elif not (seen.is_running or is_done):
        steps.append(StartContainer(run_key, tuple(first), seen=seen))
    is_quiet = bool(seen and seen.is_running and is_silent(container))
    if not (seen and (seen.is_healthy or is_quiet or is_done)):
        front = _container(Verb.START, container_name(topology.project, NGINX, 1))
        asked = () if container.service == NGINX else (front,)
        steps.append(
            # It cannot answer before what it needs does, and each question costs them time.
            AwaitReady(
                _container(Verb.AWAIT, name),
                (run_key, *asked, *_keys(Verb.AWAIT, topology, container.needs)),
                container=container,
                number=number,
            )
        )
    return steps


def _await_route(topology: Topology, route: FrontRoute) -> AwaitRoute:
    services = (NGINX,) if not route.is_container else (NGINX, route.service)
    first = (CONFIGURE, *_keys(Verb.AWAIT, topology, services))
    return AwaitRoute(Key(Verb.PROVE, Kind.ROUTE, route.path), first, route=route)


def _container(verb: Verb, name: str) -> Key:
    return Key(verb, Kind.CONTAINER, name)


def _network(verb: Verb, name: str) -> Key:
    return Key(verb, Kind.NETWORK, name)


def _volume(verb: Verb, name: str) -> Key:
    return Key(verb, Kind.VOLUME, name)


def _image(container: Container) -> Key:
    return Key(Verb.MAKE, Kind.IMAGE, container.image)


def _keys(verb: Verb, topology: Topology, services: Iterable[str]) -> list[Key]:
    return [
        _container(verb, container_name(topology.project, service, number))
        for service in services
        for number in range(1, topology.container(service).replicas + 1)
    ]


def is_silent(container: Container) -> bool:
    """Whether no readiness check is configured."""
    return not (container.probe or container.ready or container.healthcheck)
