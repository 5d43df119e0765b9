"""Reads what a Docker engine has, and its owner; changes nothing."""

import re
from collections.abc import Collection, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

from docker.api import APIClient
from docker.errors import NotFound

from stack.engines.docker import request
from stack.engines.docker.connect import translated
from stack.engines.running import ANONYMOUS, Running, SeenContainer, SeenImage, Standing, Stranger
from stack.layout import labels as own
from stack.layout.labels import Owner

Summary = Mapping[str, Any]  # what the engine reports of one thing in a list


def observe(
    api: APIClient, owner: Owner, adopted: Collection[str], images: Collection[str]
) -> Running:
    """Return what ``owner`` has, what else has its name, and which of ``images`` exist.

    ``adopted`` names what others made and the project may use by consent: see ``adoption``.
    """
    name = owner.project
    with translated("docker"), ThreadPoolExecutor(8) as pool:
        labelled = {"label": f"{request.PROJECT}={name}"}
        containers = [
            pool.submit(api.containers, all=True, filters=filters)
            for filters in (labelled, {"name": f"^/?{name}-"})
        ]
        networks = [
            pool.submit(api.networks, filters=filters)
            for filters in (labelled, {"name": f"{name}_"})
        ]
        volumes = [
            pool.submit(api.volumes, filters=filters)
            for filters in (labelled, {"name": f"{name}_"})
        ]
        # One by one: the engine takes ten times as long to list all that it has.
        found = list(pool.map(lambda reference: _image(api, owner, reference), images))
        seen = _unique(item for call in containers for item in call.result())
        nets = _named(name, (item for call in networks for item in call.result()))
        made = (item for call in volumes for item in call.result()["Volumes"] or ())
        vols = _named(name, made)
        mine = _own_containers(api, pool, owner, seen)
    mine_nets = [item for item in nets if owner_of(item) == owner or item["Id"] in adopted]
    mine_vols = [item for item in vols if owner_of(item) == owner or adoption(item) in adopted]
    used_nets, used_vols = _prefixed(name, mine_nets), _prefixed(name, mine_vols)
    one_offs = [item for item in mine if _labels(item).get(request.ONE_OFF) == "True"]
    return Running(
        containers=tuple(container(item, name) for item in mine if item not in one_offs),
        one_offs=tuple(container(item, name) for item in one_offs),
        networks={_short(item, request.NETWORK, name): item["Internal"] for item in used_nets},
        volumes=frozenset(_short(item, request.VOLUME, name) for item in used_vols),
        lent=frozenset(
            _short(item, request.VOLUME, name) for item in used_vols if not owner_of(item).file
        ),
        images={one: image for one, image in zip(images, found, strict=True) if image},
        strangers=(
            *(_stranger("container", item) for item in seen if item not in mine),
            *(_stranger("network", item) for item in nets if item not in mine_nets),
            *(_stranger("volume", item) for item in vols if item not in mine_vols),
        ),
    )


def standing(api: APIClient) -> list[Standing]:
    """Return every stack that has something on this engine, by name and folder."""
    mine = {"label": own.PROJECT}
    with translated("docker"), ThreadPoolExecutor(2) as pool:
        containers = pool.submit(api.containers, all=True, filters=mine)
        volumes = pool.submit(api.volumes, filters=mine)
        found: dict[Owner, Standing] = {}
        for item in containers.result():
            one = found.setdefault(owner_of(item), Standing(owner_of(item)))
            is_running = item["State"] == "running"
            found[one.owner] = replace(
                one,
                front=one.front or _labels(item).get(own.FRONT, ""),
                running=one.running + is_running,
                containers=one.containers + 1,
            )
        for item in volumes.result()["Volumes"] or ():
            one = found.setdefault(owner_of(item), Standing(owner_of(item)))
            found[one.owner] = replace(one, volumes=one.volumes + 1)
    return [found[key] for key in sorted(found, key=lambda key: (key.project, key.folder))]


def owner_of(item: Summary) -> Owner:
    """Return who made a container, a network or a volume, by its labels."""
    labels = _labels(item)
    if own.PROJECT in labels:
        where = labels.get(own.FOLDER, ""), labels.get(own.FILE, "")
        return Owner(labels[own.PROJECT], *where)
    # A stack that had no labels of its own yet left at least a fingerprint.
    file = "stack.yaml" if own.FINGERPRINT in labels else ""
    return Owner(labels.get(request.PROJECT, ""), labels.get(request.FOLDER, ""), file)


def adoption(volume: Summary) -> str:
    """Name a volume and its owner: a volume of that name that another stack makes is a different
    one.

    A volume has no id, and Docker's creation time of it is its last change. What was not made by a
    stack has no folder: a volume of that name that Compose makes later is the same.
    """
    return f"{volume['Name']}@{owner_of(volume).folder}"


def container(summary: Summary, project: str) -> SeenContainer:
    """Read one entry of a list of containers."""
    labels = _labels(summary)
    number = labels.get(request.NUMBER, "1")
    networks = (summary.get("NetworkSettings") or {}).get("Networks") or {}
    return SeenContainer(
        id=summary["Id"],
        name=_name(summary),
        service=labels.get(request.SERVICE, ""),
        number=int(number) if re.fullmatch("[0-9]{1,6}", number) else 0,
        state=summary["State"],
        status=summary["Status"],
        fingerprint=labels.get(own.FINGERPRINT, ""),
        image_id=summary["ImageID"],
        published=frozenset(
            (port["PublicPort"], port["PrivatePort"])
            for port in summary["Ports"]
            if "PublicPort" in port
        ),
        networks=frozenset(one.removeprefix(f"{project}_") for one in networks),
        front=labels.get(own.FRONT, ""),
        anonymous=tuple(
            sorted(  # an engine lists them in a different order each time
                (mount["Destination"], mount["Name"])
                for mount in summary.get("Mounts") or ()
                if ANONYMOUS.fullmatch(mount.get("Name") or "")
            )
        ),
    )


def _own_containers(
    api: APIClient, pool: ThreadPoolExecutor, owner: Owner, seen: Collection[Summary]
) -> list[Summary]:
    """Return what the project made; `docker commit` copies our labels to images of others."""
    mine = [item for item in seen if owner_of(item) == owner]
    ids = sorted({item["ImageID"] for item in mine})
    labels = dict(zip(ids, pool.map(lambda id_: _image_labels(api, id_), ids), strict=True))
    return [item for item in mine if own.PROJECT not in labels[item["ImageID"]]]


def _image(api: APIClient, owner: Owner, reference: str) -> SeenImage | None:
    try:
        # The stubs of the SDK give this method no types.
        image = api.inspect_image(reference)  # type: ignore[no-untyped-call]
    except NotFound:
        return None
    labels = image["Config"]["Labels"] or {}
    is_ours = own.CONTEXT in labels or labels.get(request.PROJECT) == owner.project
    return SeenImage(image["Id"], labels.get(own.CONTEXT, ""), is_ours)


def _image_labels(api: APIClient, reference: str) -> Mapping[str, str]:
    try:
        image = api.inspect_image(reference)  # type: ignore[no-untyped-call]
    except NotFound:  # removed by force below a container
        return {}
    labels: Mapping[str, str] | None = image["Config"]["Labels"]
    return labels or {}


def _stranger(kind: Any, item: Summary) -> Stranger:
    is_running = item.get("State") == "running"
    identity = adoption(item) if kind == "volume" else item["Id"]
    anonymous = container(item, "").leaves if kind == "container" else ()
    return Stranger(kind, _name(item), identity, owner_of(item), is_running, anonymous)


def _name(item: Summary) -> str:
    names = item.get("Names")
    return str(names[0]).lstrip("/") if names else str(item.get("Name", item.get("Id", "")))


def _short(item: Summary, label: str, project: str) -> str:
    """Return a name without the project's; a label with another name is not used to find it."""
    said, name = _labels(item).get(label), str(item["Name"])
    return said if said and name == f"{project}_{said}" else name.removeprefix(f"{project}_")


def _labels(item: Summary) -> Mapping[str, str]:
    return item.get("Labels") or {}


def _named(project: str, items: Iterable[Summary]) -> list[Summary]:
    """Return what has the project's label or prefix: the engine's filter matches parts of names."""
    return [
        item
        for item in _unique(items)
        if _labels(item).get(request.PROJECT) == project
        or str(item["Name"]).startswith(f"{project}_")
    ]


def _prefixed(project: str, items: Iterable[Summary]) -> list[Summary]:
    """Leave out what was adopted under a name of its own, which the project never uses."""
    return [item for item in items if str(item["Name"]).startswith(f"{project}_")]


def _unique(items: Iterable[Summary]) -> list[Summary]:
    return list({item.get("Id", item.get("Name")): item for item in items}.values())
