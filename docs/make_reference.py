"""Writes docs/reference.md from the model's field descriptions. Run by ``make reference``."""

from pathlib import Path
from typing import Any

from pydantic.fields import FieldInfo

from stack.config.model import (
    Build,
    Certificate,
    Deploy,
    Front,
    Images,
    Model,
    Namespace,
    Ready,
    Route,
    Service,
    Stack,
)
from stack.config.schema import descriptions

SECTIONS: tuple[tuple[str, type[Model], str], ...] = (
    ("stack.yaml", Stack, ""),
    ("images", Images, "Short form: `images: debian` is `images: { source: debian }`."),
    ("front", Front, ""),
    ("services.NAME", Service, ""),
    ("services.NAME.build", Build, "Short form: `build: ./api` is `build: { context: ./api }`."),
    ("services.NAME.ready", Ready, ""),
    ("services.NAME.namespaces.NAME", Namespace, ""),
    ("routes.PATH", Route, "Short form: `/: app` is `/: { to: app }`."),
    ("deploy", Deploy, ""),
    ("deploy.tls", Certificate, ""),
)
INTRODUCTION = """\
# Every key of stack.yaml

Made from the model by `make reference`; a test keeps it so. Editors read the same from
`stack schema > stack.schema.json`.

Values may hold `${NAME}`, `${NAME:-default}`, `${NAME-default}` and `${NAME:?what is missing}`,
filled in from the environment; `$$` is a dollar sign. Durations read `500ms`, `90s`, `5m`, `1h`.

A service that `needs` a Redis or Postgres preset is told where it is: `REDIS_URL` and
`REDIS_PASSWORD_FILE`, `DATABASE_URL` and `DATABASE_PASSWORD_FILE` (URLs without the password, which
is in the file).

An `env_file` is read as Docker Compose reads it, so that `docker compose up` on a rendered
`compose.yaml`, which names the same file, gives the same values: `KEY=VALUE` lines, `export` at
will, `#` at the start of a line or behind a space. Text in single quotes is taken as it is, over
several lines, too. In double quotes `\\n`, `\\t`, `\\"`, `\\$` and `\\\\` mean the usual;
without quotes a backslash is a backslash. Outside of single quotes, `$NAME`, `${NAME}`,
`${NAME:-default}`, `${NAME:+other}` and `${NAME:?text}` are filled in from the environment of
whoever starts the stack, else from the lines above, and `$$` is a dollar sign. A key alone
(`TOKEN`) is taken from the environment. Where Compose would leave out a variable that is not set,
or give another value in another version or folder, stack stops and names the line
(`app.env:2: HASH: …`). It is best to put a password with a `$` in single quotes.
"""


def reference() -> str:
    """Give the text of docs/reference.md."""
    return "\n".join([INTRODUCTION, *(_section(*section) for section in SECTIONS)])


def _section(title: str, model: type[Model], note: str) -> str:
    lines = [f"## {title}", "", (model.__doc__ or "").replace("``", "`"), ""]
    lines += [note, ""] if note else []
    lines += ["| key | default | what it is |", "|---|---|---|"]
    texts = descriptions(model)
    lines += [_row(name, field, texts[name]) for name, field in model.model_fields.items()]
    return "\n".join([*lines, ""])


def _row(name: str, field: FieldInfo, text: str) -> str:
    text = text.replace("``", "`").replace("|", "\\|")
    return f"| `{name}` | {_default(name, field)} | {text} |"


def _default(name: str, field: FieldInfo) -> str:
    value: Any = field.default
    if field.is_required():
        return "the folder's" if name == "name" else "needed"
    if value is None or isinstance(value, Model) or value in ([], {}):
        return ""
    return f"`{str(value).lower() if isinstance(value, bool) else value}`"


if __name__ == "__main__":
    target = Path(__file__).with_name("reference.md")
    target.write_text(reference(), encoding="utf-8")
