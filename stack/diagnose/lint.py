"""Judge an Nginx configuration by all rules. Pure: the file is read by ``nginx_conf``."""

from stack.diagnose.finding import Finding, Severity
from stack.diagnose.nginx_site import Options, Site
from stack.diagnose.nginx_tree import Config
from stack.diagnose.rules import (
    answers,
    connection,
    headers,
    hosts,
    limits,
    locations,
    maps,
    origin,
    privacy,
    stream,
    target,
    timeouts,
    upstreams,
    version,
)
from stack.diagnose.rules.rule import Rule

__all__ = ["RULES", "Options", "Rule", "lint"]

GROUPS = (
    answers,
    connection,
    headers,
    hosts,
    limits,
    locations,
    maps,
    origin,
    privacy,
    stream,
    target,
    timeouts,
    upstreams,
    version,
)

RULES: tuple[Rule, ...] = tuple(
    sorted((rule for group in GROUPS for rule in group.RULES), key=lambda rule: rule.cause.code)
)
"""Every rule, by its code."""

ORDER: dict[Severity, int] = {"error": 0, "warning": 1, "info": 2}


def lint(config: Config, options: Options) -> list[Finding]:
    """Give what the rules see, by file and line.

    A snippet that is included many times is reported once a rule and line, by its worst case.
    """
    site = Site(config, options)
    found = [finding for rule in RULES for finding in rule.findings(site)]
    once: dict[tuple[str, str], Finding] = {}
    for finding in sorted(found, key=lambda f: ORDER[f.severity]):
        once.setdefault((finding.where, finding.code), finding)
    return sorted(once.values(), key=_order)


def _order(finding: Finding) -> tuple[str, int, str]:
    place = finding.place
    return (place.file, place.line, finding.code) if place else ("", 0, finding.code)
