"""The files below .stack that a project needs: steps for what is missing, and how it is made."""

from collections.abc import Collection, Iterable, Iterator

from stack.config.preset.kind import SECRETS_TARGET
from stack.engines.base import Engine
from stack.engines.running import Running, Stranger
from stack.engines.steps import (
    CopySecrets,
    Key,
    Kind,
    MakeCertificate,
    MakeSecret,
    MoveState,
    Plan,
    Step,
    Verb,
    WriteCompose,
)
from stack.errors import StackError
from stack.files import read
from stack.layout.names import container_name
from stack.layout.topology import FRONT_CERTIFICATE, FRONT_KEY, NEXTAUTH_SECRET, Topology
from stack.lifecycle.adopt import take
from stack.lifecycle.checks import running_of
from stack.lifecycle.locate import connect_if_any
from stack.lifecycle.ownership import has_no_labels
from stack.project import credentials
from stack.project.authority import ensure_certificate, is_current, is_limited
from stack.project.project import Prepared, Project, derive, topology, written_source
from stack.project.variables import given_secrets

_CERTIFICATE = {FRONT_CERTIFICATE, FRONT_KEY}  # made by the authority
WAIT = 10.0  # seconds for another command that may be creating the same secret


def plan_files(project: Project, prepared: Prepared, running: Running) -> Plan:
    """Plan the files that are missing or outdated. Looks at the disk, and writes nothing."""
    if project.state.former:
        return Plan((MoveState(Key(Verb.MOVE, Kind.STATE, f".stack/{project.stack.name}")),))
    return Plan(tuple(_steps(project, prepared, running)))


def prepare_mounts(project: Project, engine: Engine | None) -> None:
    """Put in place what the rendered Compose file mounts: Compose alone can then start it.

    ``engine`` may still have a secret that is missing here. The caller holds the project's lock.
    """
    check_moved(project)
    project.state.prepare()
    prepared = derive(project, written_source(project.stack))
    running = engine.observe() if engine else Running()
    for step in plan_files(project, prepared, running).steps:
        if not isinstance(step, WriteCompose):
            make(project, prepared, engine, step)
    if read(project.state.config) is None:
        project.state.write(project.state.config, prepared.config)


def check_moved(project: Project) -> None:
    """Raise StackError while the secrets are where a former version kept them: new ones would not
    match the data.
    """
    if project.state.former:
        raise StackError(
            f"{project.folder}/.stack: has the files of a former version of stack",
            "stack up moves them",
        )


def ensure_secret(project: Project, engine: Engine | None, name: str) -> str:
    """Return one secret, made now if there is none; ``engine`` may still have it."""
    given = given_secrets(project.stack, project.folder, project.environ)
    if text := given.get(name) or credentials.value(project.state, name):
        return text
    check_moved(project)
    with project.state.lock(WAIT, lambda _: None):
        if text := credentials.value(project.state, name):  # made by the command that held the lock
            return text
        layout = topology(project.stack, written_source(project.stack))
        step = _secret(layout, _alive(engine.observe()) if engine else (), name)
        return credentials.keep(project.state, name, _kept(engine, step) if engine else "")


def take_secrets(project: Project, engine: Engine, strangers: Iterable[Stranger]) -> None:
    """Keep the secrets of containers that are adopted: the data that comes with them needs these.

    Only a secret that is missing here; one that the user provides is not ours to keep.
    """
    layout = topology(project.stack, written_source(project.stack))
    given = given_secrets(project.stack, project.folder, project.environ)
    alive = [one.name for one in strangers if one.is_running and one.owner.file]
    for name, value in credentials.known(project.state, layout).items():
        if value or name in given or name in _CERTIFICATE:
            continue
        if text := _kept(engine, _secret(layout, alive, name)):
            credentials.keep(project.state, name, text)


def make(project: Project, prepared: Prepared, engine: Engine | None, step: Step) -> None:
    """Carry out one of these steps; ``engine`` may still have a secret that is missing here.

    Raises StackError; TypeError for a step of another kind.
    """
    state = project.state
    match step:
        case MoveState():
            _move(project, engine)
        case MakeSecret():
            kept = _kept(engine, step) if engine else ""
            credentials.keep(state, step.name, kept)
        case MakeCertificate():
            ensure_certificate(state, project.authority, project.names)
        case CopySecrets():
            credentials.write_copies(state, step.container, prepared.given)
        case WriteCompose():
            state.write(state.compose, prepared.compose)
            state.remember("rendered", prepared.rendered)
        case _:
            raise TypeError(step)


def _steps(project: Project, prepared: Prepared, running: Running) -> Iterator[Step]:
    state, layout, secrets = project.state, prepared.topology, prepared.secrets
    before: list[Step] = []
    if project.stack.front.tls and not is_current(state, project.authority, project.names):
        key = Key(Verb.MAKE, Kind.CERTIFICATE, FRONT_CERTIFICATE)
        before.append(MakeCertificate(key, is_new_authority=not is_limited(project.authority)))
    before += [
        _secret(layout, _alive(running), name)
        for name, value in secrets.items()
        if not value and name not in _CERTIFICATE
    ]
    yield from before
    keys = tuple(step.key for step in before)
    for item in layout.containers:
        if not credentials.has_copies(state, item, secrets):
            yield CopySecrets(Key(Verb.GIVE, Kind.SECRETS, item.service), keys, container=item)
    name = prepared.rendered
    if read(state.compose) != prepared.compose or state.recall("rendered") != name:
        yield WriteCompose(Key(Verb.WRITE, Kind.FILE, f".stack/{project.stack.name}/compose.yaml"))


def _move(project: Project, engine: Engine | None) -> None:
    """Move what is in .stack, and record the resources that it names as ours: they have no labels
    yet.
    """
    state = project.state
    made = engine.observe().strangers if engine else ()
    ids = {one.id for one in made if has_no_labels(project.owner, one)}
    take(state, ids)  # first: if this is killed in between, it is repeated
    state.move_former()


def _alive(running: Running) -> list[str]:
    return [one.name for one in running.containers if one.is_running]


def _secret(layout: Topology, alive: Collection[str], name: str) -> MakeSecret:
    """Create a secret, unless a running container has it: its data may depend on it."""
    key = Key(Verb.MAKE, Kind.SECRET, name)
    for item in layout.containers:
        holder = container_name(layout.project, item.service, 1)
        for secret in item.secrets:
            if secret.value == name and holder in alive:
                file = f"{SECRETS_TARGET}/{secret.file}"
                return MakeSecret(key, name=name, container=holder, file=file)
    return MakeSecret(key, name=name)


def _kept(engine: Engine, step: MakeSecret) -> str:
    """Read a secret in a container: a mounted file outlives its name on this machine."""
    if not step.container:
        return ""
    try:
        *lines, code = engine.execute(step.container, ["cat", step.file])
    except StackError:
        return ""
    return str(lines[0]) if code == 0 and len(lines) == 1 else ""


def signing_secret(project: Project) -> str:
    """Return the secret that tokens are signed with; made now if there is none.

    Without an engine no other owner can run under the project's name.
    """
    engine = connect_if_any(project.owner)
    if engine:
        running_of(engine)
    return ensure_secret(project, engine, NEXTAUTH_SECRET)
