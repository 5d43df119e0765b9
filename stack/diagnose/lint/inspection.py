"""Reads Nginx configurations, judges them by all rules, and writes their edits. Prints nothing."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path

from stack.diagnose import edits
from stack.diagnose.lint.answer import Answer
from stack.diagnose.lint.judge import Options, lint, merged
from stack.diagnose.lint.time_limit import bounded
from stack.diagnose.nginx import conf, limits
from stack.diagnose.nginx.includes import MAX_FILE, Budget
from stack.diagnose.nginx.limits import Written
from stack.diagnose.nginx.site import Site
from stack.diagnose.nginx.tree import Config
from stack.errors import ConfigError
from stack.files import write
from stack.os_errors import from_os_error
from stack.reading import read_bytes

VERSION = re.compile(r"(?:nginx/)?(\d{1,4})\.(\d{1,4})\.(\d{1,4})", re.ASCII)


def options(nginx_version: str | None, routes: Iterable[str]) -> Options:
    """Read the flags; raise ConfigError for an invalid version or path."""
    routes = tuple(routes)
    if wrong := next((route for route in routes if not route.startswith("/")), None):
        raise ConfigError(f"--route {wrong}: not a path", f"--route /{wrong}")
    if nginx_version is None:
        return Options(None, routes)
    found = VERSION.fullmatch(nginx_version.strip())
    if not found:
        raise ConfigError(f"--nginx-version {nginx_version}: not a version", "nginx -v prints it")
    return Options((int(found[1]), int(found[2]), int(found[3])), routes)


def inspect(
    files: Sequence[Path], options: Options, *, diff: bool = False, fix: bool = False
) -> Answer:
    """Judge each file with what it includes; ``diff`` shows the safe edits, ``fix`` writes them.

    Raises one ConfigError for all files that cannot be read.
    """
    with bounded(" ".join(map(str, files))):
        answer = _judge(files, options)
    texts = _exact(answer)
    fixed = edits.fix(answer.findings, texts)
    diffs = [edits.diff(name, texts[name], text) for name, text in fixed.texts.items() if diff]
    if fix and fixed.done:
        _write(fixed.texts)
        with bounded(" ".join(map(str, files))):
            answer = replace(_judge(files, options), fixed=fixed.done)
        waiting = edits.fix(answer.findings, _exact(answer)).done
    else:
        waiting = fixed.done
    return replace(
        answer,
        diff=tuple(line for lines in diffs for line in lines),
        waiting=len(waiting),
        is_only_diff=diff and not fix,
    )


def written(file: Path, options: Options) -> Written:
    """Read what a configuration has for the named routes. Raises ConfigError as Nginx fails."""
    with bounded(str(file)):
        return limits.written(Site(conf.read(file), options))


def _judge(files: Sequence[Path], options: Options) -> Answer:
    configs = _outermost(_read(files))
    findings = [finding for config in configs for finding in lint(config, options)]
    return Answer(
        files=tuple(str(file) for file in files),
        routes=sum(len(Site(config, options).sockets) for config in configs),
        # Two files may include one snippet, each by another name.
        findings=tuple(merged(findings, cache(lambda name: str(Path(name).resolve())))),
        sources={
            name: "\n".join(lines) + "\n"
            for config in configs
            for name, lines in config.sources.items()
        },
    )


def _outermost(configs: Sequence[Config]) -> Sequence[Config]:
    """Leave out files that another one includes: alone, they would lack the blocks around them."""
    included = {
        Path(name).resolve() for config in configs for name in config.sources if name != config.file
    }
    return [config for config in configs if Path(config.file).resolve() not in included] or configs


def _exact(answer: Answer) -> dict[str, str]:
    """Return the texts of the files with edits, as they are on disk.

    A file that is not UTF-8, or that changed since it was read, is left out: the line numbers of
    the edits would not match.
    """
    texts: dict[str, str] = {}
    for name in {edit.file for finding in answer.findings for edit in finding.edits}:
        try:
            text = read_bytes(Path(name), MAX_FILE).decode()
        except (ConfigError, UnicodeDecodeError):
            continue
        known = answer.sources.get(name, "").removesuffix("\n")
        if text.replace("\r\n", "\n").removesuffix("\n") == known:
            texts[name] = text
    return texts


def _write(texts: Mapping[str, str]) -> None:
    """Replace the texts of files: a link stays one, mode and owner stay as they are."""
    for name, text in texts.items():
        try:
            _replace(Path(name).resolve(strict=True), text)
        except OSError as error:
            raise from_os_error(error, f"{name}: not written", is_written=True) from error


def _replace(path: Path, text: str) -> None:
    known = path.stat()
    mode = known.st_mode & 0o7777
    try:
        write(path, text, mode, (known.st_uid, known.st_gid))
    except PermissionError:  # only root may give files away
        write(path, text, mode)


def _read(files: Sequence[Path]) -> list[Config]:
    configs: list[Config] = []
    errors: dict[str, ConfigError] = {}
    budget = Budget()
    for file in files:
        try:
            configs.append(conf.read(file, budget))
        except ConfigError as error:
            errors[error.message] = error
    if errors:
        hints = dict.fromkeys(error.hint for error in errors.values() if error.hint)
        raise ConfigError("\n".join(errors), "\n".join(hints))
    return configs
