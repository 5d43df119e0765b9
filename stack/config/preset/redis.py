"""Redis: what travels between replicas, and data that a restart keeps. Pure."""

from stack.config.preset.kind import PASSWORD, Preset

_SERVER = f"""\
exec redis-server - --save 60 1 --dir /data <<END
requirepass "$(sed 's/[\\\\"]/\\\\&/g' {PASSWORD})"
protected-mode no
END
"""


def _address(host: str, port: int, _database: str) -> str:
    return f"redis://{host}:{port}/0"


PRESET = Preset(
    image="redis",
    user="999:999",
    port=6379,
    probe=(
        f'answer="$(REDISCLI_AUTH="$(cat {PASSWORD})" redis-cli ping 2>&1)"; '
        'echo "$answer"; [ "$answer" = PONG ]'
    ),
    # The password reaches the server on standard input: in no argument and in no file.
    entrypoint=("sh", "-c"),
    command=(_SERVER,),
    data="/data",
    usual="REDIS",
    address=_address,
    secret_variables=("REDIS_PASSWORD",),
    fixed_variables={
        "REDIS_PASSWORD_FILE": (
            "is set by stack, which hands the secret over as a file",
            "give the password itself, as REDIS_PASSWORD",
        ),
    },
)
