"""Postgres: one database for the project, and its user postgres. Pure."""

from urllib.parse import quote

from stack.config.preset.kind import PASSWORD, REFUSED, Preset

# Over TCP: while the database is made, the temporary server listens on a socket only. At the
# container's own address: on 127.0.0.1 everybody is trusted, so no password would be asked for.
# The first `psql` on Debian's path is a Perl script, six times as slow as the real one.
_ASK = f"""\
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


def _address(host: str, port: int, database: str) -> str:
    return f"postgresql://postgres@{host}:{port}/{quote(database, safe='')}"


PRESET = Preset(
    image="postgres",
    user="999:999",
    port=5432,
    probe=_ASK,
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
    usual="DATABASE",
    address=_address,
    secret_variables=("POSTGRES_PASSWORD",),
    keys=("init",),
    database_variable="POSTGRES_DB",
    fixed_user=("POSTGRES_USER", "postgres"),
    fixed_variables={
        "PGPORT": ("cannot be changed: postgres listens on 5432 only", "remove it"),
        "POSTGRES_PASSWORD_FILE": (
            "is set by stack, which hands the secret over as a file",
            "give the password itself, as POSTGRES_PASSWORD",
        ),
    },
)
