"""Reads an Nginx configuration with its includes into a tree. Runs nothing, asks no network."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import crossplane

from stack.diagnose.nginx import includes
from stack.diagnose.nginx.includes import Budget
from stack.diagnose.nginx.tree import Config, Directive
from stack.errors import ConfigError
from stack.finding import Place
from stack.reading import size

DEEPEST_INCLUDE = 32
"""Nginx itself fails with too many open files when a file includes itself."""

DEEPEST_BLOCK = 100

LONGEST = 64 << 10  # letters without the end of a token; Nginx allows 4,096 for a parameter

OPEN = "close the quote, or the ${, that begins there"
REFUSED = "`nginx -t` refuses this file for the same reason"

# Blocks that hold pairs of the user's own words, not directives.
DATA = {"charset_map", "geo", "map", "match", "split_clients", "types"}
# Directives that accept more since crossplane's table was written: `keepalive n [local]` (1.29.7).
NEWER = {"keepalive"}

Token = tuple[str, int, bool]
"""What crossplane's lexer returns: the text without quotes, its line, whether it was quoted."""


def read(path: Path, budget: Budget | None = None) -> Config:
    """Read a file and what it includes; raise ConfigError where Nginx would not parse it.

    Several files may share one ``budget``.

    A snippet without ``http`` is read as well. A relative ``include`` is looked for beside
    ``path`` as Nginx does, then beside the including file, then one folder up: a snippet of
    ``conf.d`` or ``sites-enabled`` names files from the folder of ``nginx.conf``.
    """
    reader = _Reader(path.parent, budget or Budget())
    directives = reader.file(str(path), (), 0)
    return Config(str(path), directives, reader.sources, tuple(reader.missing))


@dataclass(frozen=True)
class _Statement:
    """A directive of one file before its includes are followed."""

    name: str
    args: tuple[str, ...]
    line: int
    block: tuple["_Statement", ...] | None


@dataclass
class _Reader:
    """What was read so far; a file that is included many times is parsed once."""

    folder: Path
    budget: Budget
    sources: dict[str, tuple[str, ...]] = field(default_factory=dict)
    sizes: dict[str, int] = field(default_factory=dict)
    parsed: dict[str, tuple[_Statement, ...]] = field(default_factory=dict)
    missing: list[Directive] = field(default_factory=list)

    def file(self, name: str, context: tuple[str, ...], depth: int) -> tuple[Directive, ...]:
        if name not in self.parsed:
            text = includes.read(name)
            self.budget.add_file(name, len(text))
            self.sizes[name], self.sources[name] = len(text), _lines(text)
            self.parsed[name] = _Parser(name, text, len(self.sources[name])).statements()
        else:
            self.budget.add_file(name, self.sizes[name])
        return self.block(self.parsed[name], name, context, depth)

    def block(
        self, statements: tuple[_Statement, ...], file: str, context: tuple[str, ...], depth: int
    ) -> tuple[Directive, ...]:
        found: list[Directive] = []
        for statement in statements:
            if statement.name == "include" and statement.args:
                found += self.include(statement, file, context, depth)
            else:
                found.append(self.directive(statement, file, context, depth))
        return tuple(found)

    def directive(
        self, statement: _Statement, file: str, context: tuple[str, ...], depth: int
    ) -> Directive:
        where = f"{file}:{statement.line}"
        self.budget.add_directive(where)
        if len(context) > DEEPEST_BLOCK:
            raise ConfigError(f"{where}: too many nested blocks", REFUSED)
        inside = (*context, statement.name)
        stated = statement.block
        block = None if stated is None else self.block(stated, file, inside, depth)
        place = Place(file, statement.line)
        return Directive(statement.name, statement.args, place, block, context)

    def include(
        self, statement: _Statement, file: str, context: tuple[str, ...], depth: int
    ) -> list[Directive]:
        if depth >= DEEPEST_INCLUDE:
            where = f"{file}:{statement.line}"
            raise ConfigError(f"{where}: too many nested include directives", REFUSED)
        folders = (self.folder, Path(file).parent, self.folder.parent)
        names = includes.find(statement.args[0], folders)
        if names is None:
            missing = self.directive(statement, file, context, depth)
            self.missing.append(missing)
            return [missing]
        return [found for name in names for found in self.file(name, context, depth + 1)]


@dataclass
class _Parser:
    """Parse tokens of one file to statements; errors have the wording of Nginx."""

    name: str
    text: str
    count: int

    def statements(self) -> tuple[_Statement, ...]:
        tokens = self.tokens()
        try:
            return self.block(tokens, ())
        except crossplane.errors.NgxParserBaseException as error:
            raise self.refuse(error.strerror, error.lineno) from error

    def tokens(self) -> Iterator[Token]:
        """Return crossplane's tokens; its lexer needs the square of a token's length."""
        since, last = 0, 1

        def letters() -> Iterator[str]:
            nonlocal since
            for letter in self.text:
                since += 1
                if since > LONGEST:
                    where = f"{self.name}:{last}"
                    raise ConfigError(
                        f"{where}: no end of a parameter within {size(LONGEST)}", OPEN
                    )
                yield letter

        # As lex_string() does, except for the source of the letters.
        found = crossplane.lexer._lex_file_object([letters()], self.name)  # noqa: SLF001
        for token in crossplane.lexer._balance_braces(found, self.name):  # noqa: SLF001
            since, last = 0, token[1]
            yield token

    def block(self, tokens: Iterator[Token], context: tuple[str, ...]) -> tuple[_Statement, ...]:
        if len(context) > DEEPEST_BLOCK:
            raise self.refuse("too many nested blocks", self.count)
        found = []
        for text, line, quoted in tokens:
            if text == "}" and not quoted:
                break
            if text in ("{", ";") and not quoted:
                raise self.refuse(f'unexpected "{text}"', line)
            if quoted or not text.startswith("#"):
                found.append(self.statement(text, line, tokens, context))
        return tuple(found)

    def statement(
        self, name: str, line: int, tokens: Iterator[Token], context: tuple[str, ...]
    ) -> _Statement:
        args, end = self.args(tokens)
        if name == "if" and args:
            args = _without_parentheses(args)
        # A snippet does not say where it is included: the table is asked as for `http`, where it
        # knows every directive; contexts are not checked.
        if not DATA.intersection(context) and name not in NEWER:
            stated = {"directive": name, "line": line, "args": args}
            crossplane.analyzer.analyze(self.name, stated, end, ("http",), check_ctx=False)
        block = self.block(tokens, (*context, name)) if end == "{" else None
        return _Statement(name, tuple(args), line, block)

    def args(self, tokens: Iterator[Token]) -> tuple[list[str], str]:
        """Return the arguments of a directive and what ends it: ``;`` or ``{``."""
        args: list[str] = []
        for text, line, quoted in tokens:
            if quoted or (text not in (";", "{", "}") and not text.startswith("#")):
                args.append(text)
            elif text == "}":
                raise self.refuse('unexpected "}"', line)
            elif text in (";", "{"):
                return args, text
        # The lexer just ends if a directive is not finished.
        raise self.refuse('unexpected end of file, expecting ";" or "}"', self.count)

    def refuse(self, message: str, line: int | None) -> ConfigError:
        return ConfigError(f"{self.name}:{line or max(self.count, 1)}: {message}", REFUSED)


def _without_parentheses(args: list[str]) -> list[str]:
    whole = [args[0].removeprefix("("), *args[1:]]
    whole[-1] = whole[-1].removesuffix(")")
    # `if ( $a )` leaves nothing at either end; an empty string in the middle was written.
    first, last = int(not whole[0]), len(whole) - int(len(whole) > 1 and args[-1] == ")")
    return whole[first:last]


def _lines(text: str) -> tuple[str, ...]:
    lines = text.split("\n")
    return tuple(lines[:-1] if lines[-1] == "" else lines)
