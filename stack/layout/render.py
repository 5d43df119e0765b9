"""Stack → the text of the files made from it; the only module that knows Jinja2. Writes nothing."""

import hashlib
import json
import re
from functools import cache
from typing import TYPE_CHECKING, Any

import yaml

from stack import assets
from stack.config import hosts, presets
from stack.config.model import Stack
from stack.config.preset.kind import SECRETS_TARGET
from stack.errors import ConfigError
from stack.layout.compose import NONE, Labels, compose_rest, compose_services
from stack.layout.routing import OLDEST, Version, deploy_routing, dev_routing
from stack.layout.topology import FRONT_CERTIFICATE, FRONT_KEY, Topology

if TYPE_CHECKING:
    from jinja2 import Environment

SHOWN = 16
"""How many hexadecimal digits of a digest a file shows."""
_PENDING = "0" * SHOWN
_GENERATION = re.compile(r'location = /\.stack/generation \{[^}]*?return 200 "([0-9a-f]+)\\n"')
_ESCAPES = str.maketrans({"\\": "\\\\", '"': '\\"', "\n": "\\n", "\r": "\\r", "\t": "\\t"})


def source_digest(stack: Stack) -> str:
    """Give the SHA-256 of the model in canonical JSON, 64 hexadecimal digits."""
    # Without defaults, so a key that a later version adds does not change every file.
    value = stack.model_dump(mode="json", exclude_defaults=True)
    for service in value["services"].values():
        # No digest of a secret in a file that others read: a short one could be guessed from it.
        for variable in presets.secret_variables(service.get("preset")):
            service.get("env", {}).pop(variable, None)
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()


def render_nginx_dev(stack: Stack, nginx: Version = OLDEST) -> str:
    """Give the complete ``nginx-dev.conf``, for this Nginx in a container beside the services."""
    text = _render(
        "nginx/dev.conf.j2",
        stack,
        routing=dev_routing(stack, nginx),
        port=presets.PRESETS[presets.NGINX].port,
        hosts=sorted({hosts.pattern(host) for host in stack.front.hosts}),
        scheme_port=443 if stack.front.tls else 80,
        certificate=f"{SECRETS_TARGET}/{FRONT_CERTIFICATE}",
        key=f"{SECRETS_TARGET}/{FRONT_KEY}",
        generation=_PENDING,
    )
    return _with_generation(text)


def render_nginx_deploy(stack: Stack) -> str:
    """Give the complete production ``nginx.conf``. Raises ConfigError without ``deploy:``."""
    deploy = stack.deploy
    if deploy is None:
        raise ConfigError(
            "stack.yaml: deploy: missing, so there is no production configuration to write",
            "add deploy: with host: and tls: (certificate: and key:)",
        )
    routing = deploy_routing(stack, deploy)
    return _render("nginx/deploy.conf.j2", stack, routing=routing, deploy=deploy)


def render_compose(stack: Stack, topology: Topology, base: str = ".", labels: Labels = NONE) -> str:
    """Give the complete ``compose.yaml`` of a layout (Compose specification).

    ``base`` is the project's folder, seen from the one in which the file will lie; ``labels`` are
    put on what is made from it, besides Compose's own.
    """
    return _render(
        "compose/compose.yaml.j2",
        stack,
        services=compose_services(topology, base, labels),
        rest=compose_rest(topology, base, labels),
    )


# What no reader of YAML 1.1, of YAML 1.2 or of Go (yaml.v3 is neither) takes for anything but text:
# numbers, dates and signs begin in another way, and the words are these.
_PLAIN = re.compile(
    r"(?:-{0,2}[A-Za-z_]|/|\.\.?/)(?:[A-Za-z0-9_./+@=-]|:(?=[^\s:])| (?=[A-Za-z0-9_/]))*"
)
_WORDS = {"y", "n", "yes", "no", "on", "off", "true", "false", "null"}
_OLD_BREAKS = "\x85\u2028\u2029"  # line breaks of YAML 1.1 (§4.2)


class _BlockDumper(yaml.SafeDumper):
    """Writes YAML as people do: lists indented, several lines as a block, no aliases."""

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:  # noqa: ARG002
        super().increase_indent(flow, indentless=False)

    def ignore_aliases(self, data: object) -> bool:  # noqa: ARG002
        return True


def _represent_text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    style: str | None = "'"
    if any(char in text for char in _OLD_BREAKS):
        style = '"'  # written raw otherwise, and taken for line breaks by whoever reads it
    elif "\n" in text:
        style = "|"
    elif _PLAIN.fullmatch(text) and text.lower() not in _WORDS:
        style = None
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)


_BlockDumper.add_representer(str, _represent_text)


def as_yaml(value: object) -> str:
    """Give a value as YAML in block style, keys in their own order, text quoted if in doubt."""
    text: str = yaml.dump(
        value,
        Dumper=_BlockDumper,
        sort_keys=False,
        allow_unicode=True,
        width=100,
        default_flow_style=False,
    )
    return text.removesuffix("\n").removesuffix("\n...")


def inputs_digest(stack: Stack, topology: Topology) -> str:
    """Name all that rendered files are made from: the model, the layout, templates and this code.

    Equal inputs give equal files, so who has them need not render.
    """
    inputs = hashlib.sha256(f"{assets.release()}\0{stack!r}\0{topology!r}".encode())
    for path in sorted(assets.folder("templates").rglob("*.j2")):
        inputs.update(path.read_bytes())
    return inputs.hexdigest()


def generation(text: str) -> str:
    """Read back what ``/.stack/generation`` answers under this configuration.

    Raises ValueError for a text without one.
    """
    found = _GENERATION.search(text)
    if not found:
        raise ValueError("no /.stack/generation in this configuration")
    return found[1]


def quote_expanded(value: object, then: str = "") -> str:
    """Quote a value for a directive that expands variables; ``$`` has no escape there.

    The templates define ``$dollar`` (ngx_http_geo_module), which stands in for it. ``then`` is
    the template's own text to put behind the value, with variables that do expand.
    """
    return f'{quote_plain(value).replace("$", "${dollar}")[:-1]}{then}"'


def quote_plain(value: object) -> str:
    """Quote a value for a directive that takes it as it is: location, map source, server.

    Raises ConfigError for control characters, which a configuration cannot spell.
    """
    text = str(value)
    bad = next((char for char in text if _is_unwritable(char)), None)
    if bad:
        raise ConfigError(
            f"stack.yaml: {text!r}: the character U+{ord(bad):04X} cannot go into a configuration",
            "remove it",
        )
    return f'"{text.translate(_ESCAPES)}"'


def comment(value: object) -> str:
    """Make a value fit into one line of a comment: what is not printable is spelt out."""
    return "".join(
        char if char.isprintable() else char.encode("unicode_escape").decode()
        for char in str(value)
    )


def _is_unwritable(character: str) -> bool:
    code = ord(character)
    return (code < 0x20 and character not in "\n\r\t") or code == 0x7F or 0xD800 <= code < 0xE000


def _render(template: str, stack: Stack, **values: Any) -> str:
    digest = source_digest(stack)[:SHOWN]
    return _environment().get_template(template).render(stack=stack, digest=digest, **values)


def _with_generation(text: str) -> str:
    """Replace the placeholder by the digest of everything else in the file."""
    own = hashlib.sha256(text.encode()).hexdigest()[:SHOWN]
    start, end = _span(text)
    return text[:start] + own + text[end:]


def _span(text: str) -> tuple[int, int]:
    found = _GENERATION.search(text)
    if not found:
        raise ValueError("the template has no /.stack/generation")
    return found.span(1)


@cache
def _environment() -> "Environment":
    from jinja2 import Environment, FileSystemLoader, StrictUndefined  # slow, and seldom needed

    environment = Environment(
        loader=FileSystemLoader(assets.folder("templates"), encoding="utf-8"),
        undefined=StrictUndefined,
        autoescape=False,  # noqa: S701  # no HTML: every value passes one of the filters below
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters |= {
        "nginx": quote_expanded,
        "nginx_plain": quote_plain,
        "comment": comment,
        "yaml": as_yaml,
    }
    return environment
