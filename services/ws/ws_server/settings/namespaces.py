"""Reads the options of namespaces from JSON, and refuses what they cannot be. Pure."""

import json
from collections.abc import Mapping
from dataclasses import MISSING, fields
from typing import Any, Literal, get_args, get_origin

from ws_server.core.namespaces import Namespace, Namespaces
from ws_server.settings.environment import ConfigError


def parse(text: str, variable: str) -> Namespaces:
    """Read the JSON of ``variable``: an object of objects. Raises ConfigError."""
    try:
        value = json.loads(text or "{}")
    except ValueError as error:
        raise ConfigError(f"{variable}: is not JSON: {error}") from None
    if not isinstance(value, dict) or not all(isinstance(o, dict) for o in value.values()):
        raise ConfigError(f"{variable}: must be an object of objects, by namespace")
    return Namespaces({name: _namespace(name, o, variable) for name, o in value.items()})


def _namespace(name: str, options: Mapping[str, Any], variable: str) -> Namespace:
    known = {option.name: option for option in fields(Namespace)}
    place = f"{variable}: {name or '(no namespace)'}"
    for key, value in options.items():
        if key not in known:
            raise ConfigError(f"{place}: unknown option {key}")
        if not _fits(known[key].type, known[key].default, value):
            raise ConfigError(f"{place}: {key} must be {_wanted(known[key].type)}")
    namespace = Namespace(**options)
    if namespace.force_recovery and not namespace.has_history:
        raise ConfigError(f"{place}: force_recovery needs history_size and history_ttl")
    if namespace.join_leave and not namespace.presence:
        raise ConfigError(f"{place}: join_leave needs presence")
    return namespace


def _fits(kind: Any, default: object, value: object) -> bool:
    if get_origin(kind) is Literal:
        return value in get_args(kind)
    if kind is bool or isinstance(value, bool):
        return kind is bool and isinstance(value, bool)
    allowed = (int, float) if kind is float else int
    return default is not MISSING and isinstance(value, allowed) and 0 <= value <= 2**53


def _wanted(kind: Any) -> str:
    if get_origin(kind) is Literal:
        return f"one of {', '.join(get_args(kind))}"
    return {bool: "true or false", int: "a whole number"}.get(kind, "a number of seconds")
