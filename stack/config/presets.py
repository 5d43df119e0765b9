"""The facts of the services that ship with stack: ports, folders, users. Decides nothing."""

from dataclasses import dataclass, field

UPSTREAM_PORT = 8080  # where Nginx listens inside its container
# `localhost` is the one for one program, and the other for the next.
LOOPBACK = ("127.0.0.1", "::1")
NGINX = "nginx"  # the service name of the front
SECRETS_TARGET = "/run/secrets"
INIT_FOLDER = "/docker-entrypoint-initdb.d"  # what Postgres runs once
API_PORT = 3003  # where the realtime service listens for other services; never published


@dataclass(frozen=True)
class Preset:
    """How one ready-made service is run with least privilege.

    ``image`` names a recipe of ``stack/layout/images.py``. ``user`` is ``uid:gid``; every
    capability is dropped. ``probe`` is a shell command that ends with 0 once the service
    itself answers and prints that answer; with REFUSED when asking again is of no use.
    """

    image: str
    user: str
    port: int
    probe: str = ""
    ready_path: str = ""  # answers HTTP 200 when the service can do its work
    command: tuple[str, ...] | None = None
    entrypoint: tuple[str, ...] | None = None
    environment: dict[str, str] = field(default_factory=dict)
    data: str | None = None  # the folder that lives in a volume
    tmpfs: tuple[str, ...] = ()  # each with its size: without one, half of this machine's memory
    memory: str = "2g"  # far more than it takes for development: what leaks ends there
    stop_signal: str | None = None
    init: bool = False  # whether its own process must not be the first one
    is_internal: bool = False  # lives on the internal network only
    secret_variables: tuple[str, ...] = ()  # in which users give its secret, the first one first


PASSWORD = f"{SECRETS_TARGET}/password"  # where a store finds its own password
REFUSED = 77  # a probe ends so when the service takes connections, and our password is wrong

# Over TCP: while the database is made, the temporary server listens on a socket only. At the
# container's own address: on 127.0.0.1 everybody is trusted, so no password would be asked for.
# The first `psql` on Debian's path is a Perl script, six times as slow as the real one.
_ASK_POSTGRES = f"""\
PATH="$(echo /usr/lib/postgresql/*/bin):$PATH"
export PGPASSWORD="$(cat {PASSWORD})"
answer="$(psql -qtA -d postgres -h "$(hostname)" -U postgres -c 'select 1' 2>&1)"
echo "${{answer##*FATAL:  }}"
case $answer in
1) exit 0 ;;
*'password authentication failed'*) exit {REFUSED} ;;
*) exit 1 ;;
esac"""
# For the one whose secrets are gone: on its own socket Postgres asks for no password.
RENEW = (
    "echo \"alter role postgres password :'new'\" | stack exec {service} "
    'psql -U postgres -v new="$(cat .stack/{project}/secrets/{service}.d/password)"'
)

_REDIS_SERVER = f"""\
exec redis-server - --save 60 1 --dir /data <<END
requirepass "$(sed 's/[\\\\"]/\\\\&/g' {PASSWORD})"
protected-mode no
END
"""

PRESETS = {
    NGINX: Preset(
        image="nginx",
        user="101:101",
        port=UPSTREAM_PORT,
        probe=f"exec 3<>/dev/tcp/127.0.0.1/{UPSTREAM_PORT}",
        # The image's own entrypoint edits files, which a read-only root file system forbids.
        entrypoint=("nginx", "-c", "/etc/nginx/stack/nginx.conf"),
        # A request's body is at most 100 MB, and passed on without being kept first.
        tmpfs=("/tmp:size=128m",),  # noqa: S108 - a path inside the container
        # SIGQUIT, the image's choice, waits for open WebSockets until the engine kills it
        # (nginx/docker-nginx#377).
        stop_signal="SIGTERM",
    ),
    "realtime": Preset(
        image="realtime",
        user="10001:10001",
        port=3002,
        ready_path="/readyz",
        secret_variables=("NEXTAUTH_SECRET", "AUTH_SECRET"),  # of Auth.js 4 and 5
        tmpfs=("/tmp:size=16m",),  # noqa: S108 - a path inside the container
    ),
    "redis": Preset(
        image="redis",
        user="999:999",
        port=6379,
        probe=(
            f'answer="$(REDISCLI_AUTH="$(cat {PASSWORD})" redis-cli ping 2>&1)"; '
            'echo "$answer"; [ "$answer" = PONG ]'
        ),
        # The password reaches the server on standard input: in no argument and in no file.
        entrypoint=("sh", "-c"),
        command=(_REDIS_SERVER,),
        data="/data",
        is_internal=True,
        secret_variables=("REDIS_PASSWORD",),
    ),
    "postgres": Preset(
        image="postgres",
        user="999:999",
        port=5432,
        probe=_ASK_POSTGRES,
        environment={
            "POSTGRES_PASSWORD_FILE": PASSWORD,
            # An interrupted initdb starts anew in any case; its fsync calls only cost time.
            "POSTGRES_INITDB_ARGS": "--no-sync",
        },
        data="/var/lib/postgresql/data",
        # What a query spills goes to the data; /tmp is for the scripts of init.
        tmpfs=("/tmp:size=256m", "/var/run/postgresql:size=1m"),  # noqa: S108 - inside it
        # The first process of a container is given all orphans. One that a timed-out question left
        # and that a signal ends, Postgres takes for a server process that crashed, and restarts.
        init=True,
        is_internal=True,
        secret_variables=("POSTGRES_PASSWORD",),
    ),
}

DATA_FOLDERS = frozenset(preset.data for preset in PRESETS.values() if preset.data)


def secret_variables(preset: str | None) -> tuple[str, ...]:
    """Give the variables in which users give the secret of a preset; none for other services."""
    return PRESETS[preset].secret_variables if preset else ()
