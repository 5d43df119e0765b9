"""Host names that the front answers for: which text is one, and how it is compared. Pure."""

import ipaddress
import re

_LABEL = r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?"
_NAME = re.compile(rf"(?=.{{1,253}}\Z){_LABEL}(?:\.{_LABEL})*")


def canonical(host: str) -> str:
    """Return a host as a Host field is compared: lower case, no last dot, IPv6 short in brackets.

    Empty for an invalid host.
    """
    name = host.strip().lower().removesuffix(".")
    bare = name[1:-1] if name.startswith("[") and name.endswith("]") else name
    if ":" in bare:
        try:
            return f"[{ipaddress.IPv6Address(bare)}]"
        except ValueError:
            return ""
    return name if _NAME.fullmatch(name) else ""


def problem(host: str) -> str:
    """Return why the text is not a host for ``front.hosts``; empty if it is one."""
    if canonical(host):
        return ""
    if "/" in host:
        return "is an address; write only its host name"
    if "*" in host:
        return "is a pattern; write each name separately"
    if re.search(r":[0-9]*\Z", host):
        return "has a port; write only the host name, which applies to every port"
    if not host.isascii():
        return "is not an ASCII name; write it as browsers send it, with xn--"
    return "is not a host name"


def pattern(host: str) -> str:
    """Return the regular expression (PCRE) that matches the canonical spelling and no other."""
    return "^" + re.sub(r"[.\[\]]", r"[\g<0>]", canonical(host)) + "$"
