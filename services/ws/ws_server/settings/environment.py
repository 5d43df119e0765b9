"""Typed reads of single environment variables; knows no setting by name."""

from collections.abc import Mapping
from pathlib import Path
from urllib.parse import SplitResult, urlsplit


class ConfigError(ValueError):
    """A setting is missing or wrong; the text begins with the variable's name."""


class Environment:
    """The variables of one process; every error is a ConfigError that names its variable."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        self._environ = environ

    def text(self, name: str, default: str = "") -> str:
        """The value without surrounding space; the default when unset or empty."""
        return self._environ.get(name, "").strip() or default

    def integer(self, name: str, default: int, low: int, high: int) -> int:
        """A whole number from low to high."""
        try:
            value = int(self.text(name, str(default)))
        except ValueError:
            raise ConfigError(f"{name}: must be a whole number") from None
        if not low <= value <= high:
            raise ConfigError(f"{name}: must be from {low} to {high}, is {value}")
        return value

    def seconds(self, name: str, default: float) -> float:
        """A time of more than 0 s and at most a day."""
        try:
            value = float(self.text(name, str(default)))
        except ValueError:
            raise ConfigError(f"{name}: must be a number of seconds") from None
        if not 0 < value <= 86_400:
            raise ConfigError(f"{name}: must be more than 0 and at most 86400 seconds, is {value}")
        return value

    def choice(self, name: str, default: str, allowed: tuple[str, ...]) -> str:
        """One of the allowed words, in lower case."""
        value = self.text(name, default).lower()
        if value not in allowed:
            raise ConfigError(f"{name}: must be one of {', '.join(allowed)}")
        return value

    def file(self, name: str) -> str | None:
        """The stripped content of the file that the variable names; None when unset."""
        path = self.text(name)
        if not path:
            return None
        try:
            content = Path(path).read_text(encoding="utf-8").strip()
        except OSError as error:
            raise ConfigError(f"{name}: cannot read {path}: {error.strerror}") from None
        except UnicodeDecodeError:
            raise ConfigError(f"{name}: {path} is not UTF-8 text") from None
        if not content:
            raise ConfigError(f"{name}: {path} is empty")
        return content

    def url(self, name: str, schemes: tuple[str, ...]) -> SplitResult | None:
        """A URL with a host and one of the schemes; None when unset."""
        value = self.text(name)
        if not value:
            return None
        try:
            parts = urlsplit(value)
            _ = parts.port  # read here because it is only checked when it is read
        except ValueError:
            raise ConfigError(f"{name}: is not a valid URL") from None
        if parts.scheme not in schemes or not parts.hostname:
            raise ConfigError(f"{name}: must look like {schemes[0]}://host:port/name")
        return parts
