"""The commands in a hint: quoted for a shell, and for the stack file in use. Pure."""

import re
import shlex
from collections.abc import Iterable

# A command about the project of one's own stack file, or a quoted text, which is not one. What
# follows "cd FOLDER &&" is about another one, and so is a command that names a file or a project.
_COMMAND = re.compile(
    r"'[^'\n]*'"
    r"|(?<![\w./&-])(?<!&& )(?P<command>stack (?:init|up|down|status|logs|exec|restart|render"
    r"|images|token|adopt|doctor|bundle))(?![\w-])"
    r"(?![^;,&\n]* (?:--file|--project|-f)\b)(?! \S*://)"
)


def naming(hint: str, which: str) -> str:
    """Put ``which``, an option such as `` --file dev.yaml``, behind each command of a hint."""
    return _COMMAND.sub(lambda found: found[0] + (which if found["command"] else ""), hint)


def quoted(name: object) -> str:
    """Return a path or a name as one word of a shell that programs do not take for an option.

    It is on one line: characters that would end the line or control a terminal are escaped, as
    bash, ksh and zsh read it: ``$'a\\x0ab'``.
    """
    text = str(name)
    return _word(f"./{text}" if text.startswith("-") else text)


def joined(words: Iterable[str]) -> str:
    """Return the words of a command as a shell reads them, on one line."""
    return " ".join(map(_word, words))


def one_line(text: str) -> str:
    """Escape what would end the line: a foreign name must not look like a second message."""
    return "".join(char if char.isprintable() else ascii(char)[1:-1] for char in text)


def _word(text: str) -> str:
    return shlex.quote(text) if text.isprintable() else f"$'{''.join(map(_escaped, text))}'"


def _escaped(char: str) -> str:
    if char.isprintable():
        return f"\\{char}" if char in "\\'" else char
    # A half character stands for a byte that is not UTF-8 (PEP 383).
    how = "surrogateescape" if "\udc80" <= char <= "\udcff" else "surrogatepass"
    return "".join(f"\\x{byte:02x}" for byte in char.encode(errors=how))
