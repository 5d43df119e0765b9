"""A shop to plan, and an engine in thirty lines that refuses nonsense; holds no tests."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from stack.engines.running import Running, SeenContainer, SeenImage
from stack.engines.steps import (
    AwaitReady,
    AwaitRoute,
    CreateNetwork,
    CreateVolume,
    MakeImage,
    PlaceConfig,
    Plan,
    RemoveContainer,
    RemoveNetwork,
    RemoveVolume,
    RestartContainer,
    RunContainer,
    StartContainer,
    Step,
)
from stack.layout.topology import BuildSpec, Container, FrontRoute, Mount, Topology
from stack.lifecycle.plan import plan_up

API = Container("api", "shop-api", build=BuildSpec("./api", "Dockerfile", (), None), port=80)
API = replace(API, needs=("db",), waits=True, networks=("default", "data"))
NGINX = Container("nginx", "nginx:1", published=(("127.0.0.1", 8080, 8080),), port=8080)
DB = Container("db", "postgres:1", networks=("data",), mounts=(Mount("db", "/data"),), probe="ask")
WS = Container("ws", "ws:1", replicas=2, needs=("db",), networks=("default", "data"), probe="ask")
ROUTES = (
    FrontRoute("/", "api", "build", websocket=False),
    FrontRoute("/x", "app", "host", False, 1),
)
SHOP = Topology(
    "shop", 8080, (NGINX, API, WS, DB), (("data", True), ("default", False)), ("db",), ROUTES
)
CONTEXTS = {"api": "context-1"}


@dataclass
class Simulator:
    """What an engine has; ``apply`` raises AssertionError for what an engine would refuse."""

    running: Running = field(default_factory=Running)
    contexts: Mapping[str, str] = field(default_factory=lambda: CONTEXTS)
    config_current: bool = False
    made: int = 0

    def apply(self, step: Step) -> None:
        now = self.running
        match step:
            case MakeImage():
                self.made += 1
                context = self.contexts.get(step.container.service, "")
                image = SeenImage(f"id-{self.made}", context)
                self.running = replace(now, images={**now.images, step.container.image: image})
            case CreateNetwork():
                assert step.name not in now.networks
                self.running = replace(now, networks={**now.networks, step.name: step.internal})
            case RemoveNetwork():
                left = {name: inner for name, inner in now.networks.items() if name != step.name}
                assert len(left) < len(now.networks)
                self.running = replace(now, networks=left)
            case CreateVolume():
                self.running = replace(now, volumes=now.volumes | {step.name})
            case RemoveVolume():
                assert step.name in now.volumes
                self.running = replace(now, volumes=now.volumes - {step.name})
            case PlaceConfig():
                self.config_current = True
            case _:
                self._apply_to_containers(step)

    def _apply_to_containers(self, step: Step) -> None:
        now = self.running.containers
        match step:
            case RemoveContainer():
                assert step.seen in now
                self._keep([seen for seen in now if seen != step.seen])
            case RunContainer():
                self._keep([*now, self._created(step)])
            case StartContainer() | RestartContainer():
                assert step.seen in now
                others = [seen for seen in now if seen != step.seen]
                self._keep([*others, replace(step.seen, state="running", status="Up (healthy)")])
            case AwaitReady():
                name = (step.container.service, step.number)
                assert name in [(seen.service, seen.number) for seen in now if seen.is_running]
            case AwaitRoute():
                assert [seen for seen in now if seen.service == "nginx" and seen.is_running]
            case _:
                raise AssertionError(step)

    def _created(self, step: RunContainer) -> SeenContainer:
        item = step.container
        assert item.service != "nginx" or self.config_current
        assert set(item.networks) <= self.running.networks.keys()
        assert {mount.source for mount in item.mounts if mount.is_volume} <= self.running.volumes
        image = self.running.images[item.image].id
        name = f"shop-{item.service}-{step.number}"
        assert name not in [seen.name for seen in self.running.containers]
        self.made += 1
        state = ("running", "Up 1 second (healthy)")
        id_ = f"c-{self.made}"
        return SeenContainer(id_, name, item.service, step.number, *state, step.fingerprint, image)

    def _keep(self, containers: Iterable[SeenContainer]) -> None:
        self.running = replace(self.running, containers=tuple(containers))

    def plan(
        self, topology: Topology = SHOP, prints: Mapping[str, str] | None = None, **more: object
    ) -> Plan:
        prints = prints or {item.service: item.digest for item in topology.containers}
        more = {"is_config_current": self.config_current, "is_config_loaded": True, **more}
        return plan_up(topology, self.running, prints, self.contexts, **more)  # type: ignore[arg-type]

    def converge(self, topology: Topology = SHOP) -> "Simulator":
        for step in self.plan(topology).steps:
            self.apply(step)
        return self

    def shape(self) -> object:
        """What matters of a final state: no ids, and not what is kept on purpose."""
        seen = {(s.name, s.state, s.fingerprint) for s in self.running.containers}
        return seen, self.running.networks, self.config_current


def keys(plan: Plan) -> list[str]:
    """Give what a plan changes, as it is printed."""
    return [str(step.key) for step in plan.changes]


def orders(steps: Iterable[Step]) -> dict[str, tuple[str, ...]]:
    """Map each step, as it is printed, to those that come first."""
    return {str(step.key): tuple(map(str, step.after)) for step in steps}


def changed(**by_service: Mapping[str, object]) -> Topology:
    """Give the shop with some containers changed."""
    new = [replace(item, **by_service.get(item.service, {})) for item in SHOP.containers]  # type: ignore[arg-type]
    return replace(SHOP, containers=tuple(new))


def without(*services: str) -> Topology:
    left = tuple(item for item in SHOP.containers if item.service not in services)
    routes = tuple(route for route in SHOP.routes if route.service not in services)
    return replace(SHOP, containers=left, routes=routes)


def with_state(state: str, *names: str) -> Simulator:
    world = Simulator().converge()
    world._keep(
        replace(seen, state=state, status="") if seen.name in names else seen
        for seen in world.running.containers
    )
    return world
