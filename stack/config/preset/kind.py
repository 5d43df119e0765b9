"""What a ready-made service is, as values; each one has a file of its own beside this one. Pure."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

SECRETS_TARGET = "/run/secrets"
PASSWORD = f"{SECRETS_TARGET}/password"  # where a store finds its own password
REFUSED = 77  # a probe ends so when the service takes connections, and our password is wrong

Address = Callable[[str, int, str], str]  # host, port and database → the URL without a password


@dataclass(frozen=True)
class Preset:
    """How one ready-made service runs, with least privilege, and what it gives and refuses.

    ``image`` names a recipe of ``stack/layout/images.py``. ``user`` is ``uid:gid``; every
    capability is dropped. ``probe`` is a shell command that ends with 0 once the service
    itself answers and prints that answer; with REFUSED when asking again is of no use.
    """

    image: str
    user: str
    port: int
    # How it runs.
    command: tuple[str, ...] | None = None
    entrypoint: tuple[str, ...] | None = None
    environment: Mapping[str, str] = field(default_factory=dict)
    data: str | None = None  # the folder that lives in a volume
    tmpfs: tuple[str, ...] = ()  # each with its size: without one, half of this machine's memory
    memory: str = "2g"  # far more than it takes for development: what leaks ends there
    stop_signal: str | None = None
    init: bool = False  # whether its own process must not be the first one
    # How it answers.
    probe: str = ""
    ready_path: str = ""  # answers HTTP 200 when the service can do its work
    health: tuple[str, ...] = ()  # the health check, where it is another one than the probe
    # What it gives to those that need it.
    usual: str = ""  # the prefix of the variables of the first one: REDIS_URL
    address: Address | None = None  # of a store: it lives on the internal network only
    has_api: bool = False  # an HTTP API for other services, with a key
    # What it takes, and refuses.
    secret_variables: tuple[str, ...] = ()  # in which users give its secret, the first one first
    signs: bool = False  # its secret is the one that tokens of the project are signed with
    uses_stores: bool = False  # it needs the stores of the project unless the user says otherwise
    keys: tuple[str, ...] = ()  # of stack.yaml, that only this preset takes
    database_variable: str = ""  # in which users name the database that it makes
    fixed_user: tuple[str, str] = ("", "")  # a variable, and the only value that it may have
    fixed_variables: Mapping[str, tuple[str, str]] = field(default_factory=dict)  # why, and a hint

    @property
    def is_store(self) -> bool:
        """Whether it keeps data for others, speaks no HTTP and runs only once."""
        return self.address is not None
