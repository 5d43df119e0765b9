"""Judges an Nginx configuration by all rules. Pure: ``diagnose/nginx/conf.py`` reads the file."""

from collections.abc import Callable, Iterable
from dataclasses import replace

from stack.diagnose.lint.rules import (
    answers,
    forwarded_values,
    forwarding,
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
    virtual_hosts,
)
from stack.diagnose.lint.rules.rule import Rule
from stack.diagnose.nginx.site import Options, Site
from stack.diagnose.nginx.tree import Config
from stack.finding import Finding, Severity

__all__ = ["RULES", "Options", "Rule", "lint", "merged"]

FAMILIES = (
    answers,
    forwarded_values,
    forwarding,
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
    virtual_hosts,
)

RULES: tuple[Rule, ...] = tuple(
    sorted((rule for family in FAMILIES for rule in family.RULES), key=lambda rule: rule.cause.code)
)
"""Every rule, by its code."""

ORDER: dict[Severity, int] = {"error": 0, "warning": 1, "info": 2}


def lint(config: Config, options: Options) -> list[Finding]:
    """Return what the rules find, by file and line."""
    site = Site(config, options)
    return merged([finding for rule in RULES for finding in rule.findings(site)])


def merged(
    findings: Iterable[Finding], name: Callable[[str], str] = lambda file: file
) -> list[Finding]:
    """Report a rule and line once, by its worst case; ``name`` shows which names are one file.

    A snippet is judged in each place that includes it. An edit that suits only some of those places
    is left out: the fix in words stays.
    """
    found: dict[tuple[str, int, str], list[Finding]] = {}
    for finding in sorted(findings, key=lambda f: ORDER[f.severity]):
        place = (name(finding.place.file), finding.place.line) if finding.place else ("", 0)
        found.setdefault((*place, finding.code), []).append(finding)
    return sorted((_agreed(same, name) for same in found.values()), key=_order)


def _agreed(same: list[Finding], name: Callable[[str], str]) -> Finding:
    worst = same[0]
    if len(same) == 1:
        return worst
    wanted = {tuple(replace(e, file=name(e.file)) for e in finding.edits) for finding in same}
    return worst if len(wanted) == 1 else replace(worst, edits=())


def _order(finding: Finding) -> tuple[str, int, str]:
    place = finding.place
    return (place.file, place.line, finding.code) if place else ("", 0, finding.code)
