"""What decisions of docs/design rest on, as far as it is cheap to look at."""

import contextlib
import io
import os
import re
import ssl
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, cast

import pytest
import yaml

from stack.engines.docker.opening import choose_source
from tests.odd_values import ENV_LINES, ENVIRON

if TYPE_CHECKING:
    from stack.engines.docker.engine import DockerEngine

ROOT = Path(__file__).parents[2]


def loaded_by(code: str, *modules: str) -> set[str]:
    """Which of the modules a fresh Python has loaded after ``code``."""
    command = [sys.executable, "-c", f"import sys, {code}; print(*sys.modules)"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    return {*modules} & {*done.stdout.split()}


def test_typer_does_not_load_pydantic() -> None:
    assert loaded_by("typer, typer.main", "pydantic") == set()


@pytest.mark.parametrize("verb", ["down", "logs", "execute"])
def test_a_verb_about_what_runs_loads_neither_the_model_nor_yaml(verb: str) -> None:
    code = f"stack.cli.options, stack.lifecycle.locate, stack.lifecycle.{verb}"
    heavy = ("pydantic", "yaml", "jwt", "stack.config.model", "stack.project.load")
    assert loaded_by(code, *heavy) == set()


@pytest.mark.parametrize(
    "module", ["stack.lifecycle.up", "stack.lifecycle.status", "stack.lifecycle.down"]
)
def test_a_verb_loads_nothing_that_is_seldom_needed(module: str) -> None:
    late = ("jinja2", "psutil", "rich", "h2", "crossplane", "stack.engines.docker.build")
    assert loaded_by(module, *late) == set()


def test_cryptography_is_loaded_by_pyjwt_and_wanted_by_nobody() -> None:
    """So certificates are made by openssl, and read by hand (front.md, doctor.md)."""
    assert loaded_by("jwt", "cryptography") == {"cryptography"}
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert not [one for one in project["dependencies"] if one.startswith("cryptography")]


@pytest.mark.parametrize("text", ["1e3", "0o17"])
def test_pyyaml_takes_for_text_what_other_readers_take_for_numbers(text: str) -> None:
    assert yaml.safe_load(text) == text
    assert yaml.safe_dump(text).splitlines()[0] == text


def test_a_certificate_that_was_not_checked_has_no_fields(tmp_path: Path) -> None:
    """So the doctor reads from its bytes who signed it (doctor.md)."""
    command = "openssl req -x509 -subj /CN=somebody -keyout key.pem -out cert.pem -nodes"
    command += " -newkey ec -pkeyopt ec_paramgen_curve:prime256v1"
    subprocess.run(command.split(), cwd=tmp_path, capture_output=True, check=True)
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(tmp_path / "cert.pem", tmp_path / "key.pem")
    client = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    client.check_hostname, client.verify_mode = False, ssl.CERT_NONE
    there, back = ssl.MemoryBIO(), ssl.MemoryBIO()
    ours, theirs = client.wrap_bio(back, there), server.wrap_bio(there, back, server_side=True)
    for _ in range(3):
        for side in (ours, theirs):
            with contextlib.suppress(ssl.SSLWantReadError):
                side.do_handshake()
    assert ours.getpeercert() == {}
    assert ours.getpeercert(binary_form=True)


def test_one_function_of_the_outbox_runs_with_its_owners_rights() -> None:
    """Any other would run casts of strangers, or open tables, with these rights (outbox.md)."""
    files = sorted((ROOT / "services/ws/ws_server/outbox/migrations").glob("*.sql"))
    text = "\n".join(file.read_text(encoding="utf-8") for file in files)
    functions = re.split(r"^CREATE (?:OR REPLACE )?FUNCTION ", text, flags=re.MULTILINE)[1:]
    assert len(functions) > 2
    owned = {one.partition("(")[0] for one in functions if "SECURITY DEFINER" in one}
    assert owned == {"realtime.publish"}


def test_python_dotenv_reads_many_lines_in_another_way_than_compose(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """So the rules of compose-go are followed by code of our own (config.md)."""
    for name in (*os.environ,):
        monkeypatch.delenv(name)
    for name, value in ENVIRON.items():
        monkeypatch.setenv(name, value)
    dotenv = pytest.importorskip("dotenv")
    theirs = [dict(dotenv.dotenv_values(stream=io.StringIO(text))) for text, _ in ENV_LINES]
    differ = [got != right for got, (_, right) in zip(theirs, ENV_LINES, strict=True)]
    assert sum(differ) > len(ENV_LINES) / 5


@pytest.mark.parametrize("source", ["registry", "debian"])
def test_a_source_that_was_chosen_stays_and_nobody_is_asked(source: str) -> None:
    """An outage of the registry must not replace running services (engines.md)."""
    assert choose_source(cast("DockerEngine", None), source, print) == source
