"""The errors that a user may see: what is wrong, where, and the next step. Prints nothing."""


class StackError(Exception):
    """Something failed; ends the command with ``exit_code``.

    ``message`` reads ``where: what is wrong`` in lower case; ``hint`` is a command or an edit.
    """

    exit_code = 1

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class ConfigError(StackError):
    """Wrong usage or configuration: the user has to change a file or a flag."""

    exit_code = 2


class EngineError(StackError):
    """The container engine is missing, refuses, or answered something unexpected."""


class StoppedError(StackError):
    """The wait was called off."""
