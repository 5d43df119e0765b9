"""What a user may write in stack.yaml; the field descriptions are the manual. No disk, no network.

Shape only: whether the parts fit together is checked in ``stack/config/validate.py``. Short forms
(``/: app``, ``build: ./api``) are expanded here, so all other code sees one form.
"""

import re
from typing import Annotated, Any, ClassVar, Literal

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StringConstraints,
    model_validator,
)

from stack.config.document import Interpolated

DURATION = re.compile(r"([0-9]{1,9})(ms|s|m|h|d)?")
_UNITS = {"ms": 0.001, None: 1, "s": 1, "m": 60, "h": 3600, "d": 86400}


def parse_duration(value: object) -> object:
    """Turn ``500ms``, ``90s``, ``5m``, ``1h``, ``2d`` or plain seconds into seconds.

    Raises ValueError for other text; other types are left for the type check.
    """
    if not isinstance(value, str):
        return value
    found = DURATION.fullmatch(value.strip())
    if not found:
        raise ValueError("is not a duration; write it like 500ms, 90s, 5m or 1h")
    return float(int(found[1]) * _UNITS[found[2]])


def parse_filled(value: object) -> object:
    """Turn a result of ``${…}`` into the whole number, true or false that it spells.

    All other text stays unchanged: ``port: "80"`` is a mistake.
    """
    if not isinstance(value, Interpolated):
        return value
    if value in {"true", "false"}:
        return value == "true"
    return int(value) if re.fullmatch("[0-9]{1,9}", value) else value


Port = Annotated[int, Field(strict=True, ge=1, le=65535), BeforeValidator(parse_filled)]
Count = Annotated[int, Field(strict=True, ge=1, le=50), BeforeValidator(parse_filled)]
Flag = Annotated[bool, Field(strict=True), BeforeValidator(parse_filled)]
Seconds = Annotated[
    float,
    BeforeValidator(parse_duration),
    Field(strict=True, gt=0, le=30 * 86400),
]
Text = Annotated[str, StringConstraints(strict=True, min_length=1)]
Memory = Annotated[
    str, StringConstraints(strict=True, pattern=r"^([1-9][0-9]{1,5}m|[1-9][0-9]{0,3}g)$")
]
Variable = Annotated[str, StringConstraints(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")]
Name = Annotated[str, StringConstraints(strict=True, pattern=r"^[a-z0-9][a-z0-9_-]{0,62}$")]


class Model(BaseModel):
    """A frozen mapping that refuses unknown keys and may have a one-word short form."""

    # schema.py reads the docstrings below the fields; pydantic would do so at every start.
    model_config = ConfigDict(frozen=True, extra="forbid")
    short: ClassVar[str | None] = None

    @model_validator(mode="before")
    @classmethod
    def expand(cls, value: Any) -> Any:
        """Expand the short form: ``app`` becomes ``{to: app}``."""
        if cls.short and isinstance(value, str):
            return {cls.short: value}
        return value


class Images(Model):
    """Where Nginx, Redis, Postgres and Python come from."""

    short: ClassVar[str | None] = "source"
    source: Literal["auto", "registry", "debian"] = "auto"
    """A registry, or Debian packages; ``auto``: Debian packages if no registry answers."""
    mirror: Annotated[str, StringConstraints(pattern=r"^https?://[^\s'\"]+$")] | None = None
    """Where Debian packages come from: by default the sources of this machine's apt."""


class Front(Model):
    """The one origin that a browser opens."""

    port: Port = 8080
    """The port on localhost (127.0.0.1 and [::1]) where Nginx listens: the only published one."""
    hosts: Annotated[list[Text], Field(max_length=100)] = []
    """More host names to answer for, such as a tunnel's, or ``nginx`` for services that call it.

    Other names get 421, so a web site cannot reach the front through its own name (DNS rebinding).
    ``localhost``, all names below it, 127.0.0.1 and [::1] are always answered.
    """
    tls: Flag = False
    """https and wss, with a certificate of an authority that stack makes for your machine.

    It is valid for ``localhost``, ``NAME.localhost``, the loopback addresses and those of ``hosts``
    that end with ``.localhost``: the authority cannot sign for other names.
    """
    memory: Memory = "1g"
    """How much memory Nginx may use, like ``512m`` or ``2g``."""


class Build(Model):
    """An image made from a Dockerfile of the project."""

    short: ClassVar[str | None] = "context"
    context: Text
    """The folder that is sent to the engine, relative to stack.yaml; `.stack` is left out."""
    dockerfile: Text = "Dockerfile"
    """The Dockerfile, relative to the context."""
    args: dict[Variable, str] = {}
    """Build arguments. They stay visible in the image: never a secret."""
    target: Text | None = None
    """The stage to build, if the Dockerfile has several."""


class Ready(Model):
    """How to check that a service answers: exactly one of these."""

    tcp: Port | None = None
    """A port that accepts a connection."""
    http: Annotated[str, StringConstraints(pattern=r"^/")] | None = None
    """A path that answers with a status from 200 to 399."""
    websocket: Annotated[str, StringConstraints(pattern=r"^/")] | None = None
    """A path that answers a WebSocket handshake with 101 and the right Sec-WebSocket-Accept."""
    command: Annotated[list[Text], Field(min_length=1)] | None = None
    """A command, run inside the container, that ends with 0."""
    log: Text | None = None
    """A regular expression that a line of the service's log matches."""


class Namespace(Model):
    """What the channels of one namespace (``room`` for ``room:1``) offer; everything is off by
    default.
    """

    allow_subscribe_for_client: Flag = False
    """Whether every signed-in client may subscribe; else a token has to name the channel."""
    allow_user_limited_channels: Flag = False
    """Whether `room:1#alice,bob` is open to these users by its name."""
    allow_publish_for_subscriber: Flag = False
    """Whether subscribers may publish."""
    allow_presence_for_subscriber: Flag = False
    """Whether subscribers may ask for the other subscribers."""
    allow_history_for_subscriber: Flag = False
    """Whether subscribers may read the history."""
    allow_publish_for_client: Flag = False
    """Whether every signed-in client may publish, without a subscription."""
    allow_presence_for_client: Flag = False
    """Whether every signed-in client may ask for the subscribers."""
    allow_history_for_client: Flag = False
    """Whether every signed-in client may read the history."""
    allow_subscribe_for_anonymous: Flag = False
    """Whether clients without a user may subscribe (`WS_ALLOW_ANONYMOUS`)."""
    allow_publish_for_anonymous: Flag = False
    """Whether clients without a user may publish."""
    allow_presence_for_anonymous: Flag = False
    """Whether clients without a user may ask for the subscribers."""
    allow_history_for_anonymous: Flag = False
    """Whether clients without a user may read the history."""
    presence: Flag = False
    """Whether the server keeps track of subscribers."""
    join_leave: Flag = False
    """Whether subscribers are told when others join and leave; needs ``presence``."""
    history_size: Annotated[int, Field(strict=True, ge=0, le=100_000)] = 0
    """How many publications a channel keeps."""
    history_ttl: Seconds | None = None
    """How long it keeps them, like ``1h``; a history needs both."""
    history_meta_ttl: Seconds | None = None
    """How long it remembers the position of its stream: 30 days by default."""
    force_recovery: Flag = False
    """Whether a client that reconnects gets what it missed; needs a history."""
    proxy_subscribe: Flag = False
    """Whether the application is asked by HTTP which clients may subscribe."""
    proxy_publish: Flag = False
    """Whether the application is asked by HTTP about each publication of a client."""
    proxy_sub_refresh: Flag = False
    """Whether it is asked to renew a subscription that it allowed until a time."""
    slow: Literal["disconnect", "drop_oldest", "latest"] = "disconnect"
    """What happens to a subscriber that does not keep up."""
    max_publication_bytes: Annotated[int, Field(strict=True, ge=0)] = 0
    """How large one publication may be; 0 means as large as a frame."""


class Service(Model):
    """One part of the stack. It has exactly one of preset, image, build, host and static."""

    preset: Literal["realtime", "redis", "postgres"] | None = None
    """A service that ships with stack, configured and secured."""
    image: Text | None = None
    """An image from a registry, like ``mongo:8``."""
    build: Build | None = None
    """A folder with a Dockerfile."""
    host: Port | None = None
    """The port of a server that you run on this machine yourself, such as a dev server."""
    static: Text | None = None
    """A folder of files that Nginx serves itself."""

    port: Port | None = None
    """The port on which the service listens inside its container."""
    command: Annotated[list[Text], Field(min_length=1)] | None = None
    """The command to run instead of the image's own."""
    ready: Ready | None = None
    """How to check that it answers. Default: presets by their own protocol, others by TCP."""
    needs: list[Name] = []
    """Services that must be ready first; also provides their address and password or key."""
    env: dict[Variable, str] = {}
    """Environment variables. They are visible in ``docker inspect``."""
    env_file: Text | None = None
    """A file of KEY=VALUE lines, read as Docker Compose reads it; ``env`` overrides it."""
    volumes: list[Text] = []
    """``name:/path`` for a persistent volume, ``./folder:/path`` for a folder; ``:ro`` is optional.
    """
    replicas: Count = 1
    """How many containers share the work."""
    memory: Memory | None = None
    """How much memory each may use, like ``512m`` or ``2g``. Default: 2g for a preset, else no
    limit.
    """
    namespaces: dict[Annotated[str, StringConstraints(pattern=r"^[a-z0-9_-]*$")], Namespace] = {}
    """Realtime only: what channels offer, by the part of their name before the colon."""
    init: Text | None = None
    """Postgres only: a folder of .sql and .sh files, run once when the database is created."""

    @property
    def source(self) -> str:
        """Which of preset, image, build, host and static this service is."""
        return next(kind for kind in SOURCES if getattr(self, kind) is not None)

    @property
    def is_container(self) -> bool:
        """Whether stack runs it as a container (not you, and not Nginx itself)."""
        return self.source in {"preset", "image", "build"}


SOURCES = ("preset", "image", "build", "host", "static")


class Route(Model):
    """Where the requests of one path go."""

    short: ClassVar[str | None] = "to"
    to: Text
    """The service that answers."""
    websocket: Flag = False
    """Whether this path accepts WebSocket upgrades."""
    fallback: Flag | None = None
    """Whether clients whose upgrade is blocked get HTTP transports; as the realtime preset has."""
    strip_prefix: Flag = False
    """Whether the service gets ``/users`` when the browser requests ``/api/users``."""
    idle_timeout: Seconds | None = None
    """How long an idle connection stays open: 1h for a WebSocket, 60s otherwise."""


class Certificate(Model):
    """A certificate on the deployment machine."""

    certificate: Text
    """The full chain in PEM form."""
    key: Text
    """Its private key in PEM form."""


class Deploy(Model):
    """What the production Nginx configuration needs besides the routes."""

    host: Annotated[str, StringConstraints(pattern=r"^[a-z0-9-]+(\.[a-z0-9-]+)+$", max_length=253)]
    """The public host name."""
    tls: Certificate
    """The certificate of that host."""
    upstreams: dict[Name, Annotated[str, StringConstraints(pattern=r"^[^\s;{}$'\"]+:\d+$")]] = {}
    """Where a service is in production, like ``ws: 10.0.0.5:3002``; default: ``name:port``."""
    resolver: Annotated[str, StringConstraints(pattern=r"^[0-9a-fA-F.:\[\]]+$")] = "127.0.0.11"
    """The DNS server that knows those names; Docker's own by default."""
    nginx: Annotated[Text, StringConstraints(pattern=r"^1\.(2[5-9]|[3-9]\d)(\.\d+)?$")] = "1.25.1"
    """The oldest Nginx that reads this, in quotes; from ``"1.27.3"`` on, replicas are balanced."""


class Stack(Model):
    """A whole stack.yaml."""

    name: Name
    """Names containers, networks and volumes; the folder's name by default."""
    images: Images = Images()
    """Where Nginx, Redis, Postgres and Python come from."""
    front: Front = Front()
    """The one address that a browser opens."""
    services: Annotated[dict[Name, Service], Field(min_length=1)]
    """What runs."""
    routes: Annotated[dict[Text, Route], Field(min_length=1)]
    """Which path goes to which service; the longest path wins."""
    deploy: Deploy | None = None
    """Needed only for ``stack render --target deploy``."""
