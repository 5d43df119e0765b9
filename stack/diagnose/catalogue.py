"""Every cause that stack can find, in files and on the wire. Prints nothing."""

import difflib

from stack.diagnose.doctor.families import CAUSES
from stack.diagnose.lint.judge import RULES
from stack.diagnose.own.causes import OWN_CAUSES
from stack.errors import ConfigError
from stack.finding import Cause
from stack.proof.causes import PROOF_CAUSES


def all_causes() -> tuple[Cause, ...]:
    """Return all causes by their codes."""
    causes = (*(rule.cause for rule in RULES), *CAUSES, *PROOF_CAUSES, *OWN_CAUSES)
    return tuple(sorted(causes, key=lambda cause: cause.code))


def find(word: str) -> Cause:
    """Return the cause with this code or name; raise ConfigError with the nearest one."""
    causes = {key: cause for cause in all_causes() for key in (cause.code.lower(), cause.name)}
    word = word.strip().lower()
    if word in causes:
        return causes[word]
    near = difflib.get_close_matches(word, causes, n=1)
    hint = f"stack explain {causes[near[0]].code}" if near else "stack explain"
    raise ConfigError(f"{word}: there is no such finding", hint)
