"""Examines an address: asks what is needed, in parallel and within one deadline, then concludes.

``examine`` lists the stages; no stage asks what an earlier one has made unnecessary.
"""

import ipaddress
import time
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from urllib.parse import urljoin, urlsplit

from stack.diagnose.doctor import capacity, message_size, questions
from stack.diagnose.doctor.conclude import conclude, is_healthy, suspect
from stack.diagnose.doctor.conclusions import origin, redirect
from stack.diagnose.doctor.evidence import Evidence, Examination, Options
from stack.diagnose.doctor.variation import Variation, vary
from stack.diagnose.lint.answer import Answer
from stack.diagnose.lint.rules.origin import HOST
from stack.probe import dial
from stack.probe.ask import ask, new_key
from stack.probe.dial import DialError
from stack.probe.exchange import Exchange, Question, Target, scrubbed
from stack.probe.proc_net import Listener

AGAIN = 3  # handshakes beside the first: one bad upstream of two stays undetected once in 16 times
MAX_NEIGHBOURS = 24
NEIGHBOUR_WAIT = 1.0  # seconds
MOMENT = 0.02  # seconds; the least time for the last question
PARALLEL = 64  # more than are ever asked at once: a silent server must not delay others
# Servers that log a foreign handshake as an attack, and never speak WebSocket.
_SPARED = {22, 25, 53, 111, 139, 445, 631, 3306, 5432, 6379, 11211, 27017}


class Clock:
    """The deadline of a run, and questions that keep it."""

    def __init__(self, timeout: float, secrets: tuple[str, ...]) -> None:
        self.secrets = secrets
        self.end = time.monotonic() + timeout

    @property
    def left(self) -> float:
        """Seconds until the run has to end."""
        return max(0.0, self.end - time.monotonic())

    def ask_all(self, asked: Iterable[Question], share: float, at_most: float) -> list[Exchange]:
        """Ask in parallel; each may take this share of the remaining time, up to a limit."""
        timeout = max(MOMENT, min(at_most, self.left * share))
        with ThreadPoolExecutor(PARALLEL) as pool:
            answers = list(pool.map(lambda question: ask(question, timeout), asked))
        return [self.scrub(answer) for answer in answers]

    def scrub(self, answer: Exchange) -> Exchange:
        """Remove our own secrets from an answer."""
        return scrubbed(answer, self.secrets)


def examine(options: Options, look: Callable[[], tuple[Listener, ...]]) -> Examination:
    """Find out whether a WebSocket opens there, and if not, why. Does not raise for network errors.

    ``look`` returns the listeners of this machine.
    """
    clock = Clock(options.timeout, options.secrets)
    evidence = _first_look(options, clock)
    if is_healthy(evidence.base):
        evidence = _repeat(evidence, clock)
    else:
        evidence = _vary(evidence, clock)
        evidence = _look_around(evidence, clock, look)
        evidence = _follow(evidence, clock)
    evidence = _measure(evidence, clock)
    return Examination(evidence, conclude(evidence))


def add_file(seen: Examination, answer: Answer) -> Examination:
    """Add what the linter found in the configuration in between to what was seen."""
    findings = seen.findings
    if answer.routes:
        is_altered = any(finding.cause is HOST for finding in answer.findings)
        findings = origin.decided(seen.evidence, findings, is_altered)
    return replace(seen, findings=(*findings, *answer.findings), sources=answer.sources)


def _first_look(options: Options, clock: Clock) -> Evidence:
    asked = [
        questions.handshake(options, target, new_key(), target.name or questions.GIVEN)
        for target in (options.target, *options.hops)
    ]
    asked += [questions.plain(options, options.page, Variation.PAGE)] if options.page else []
    share = 1.0 if options.idle else 0.5
    answers = clock.ask_all(asked, share, options.timeout)
    bases = tuple(item for item in answers if item.question.variation is not Variation.PAGE)
    page = next((item for item in answers if item.question.variation is Variation.PAGE), None)
    return Evidence(options, time.time(), bases, max(0, suspect(bases)), page=page)


def _repeat(evidence: Evidence, clock: Clock) -> Evidence:
    """Repeat the question to a path that works: one upstream of several may be bad.

    With TLS a browser may use HTTP/2.
    """
    base = replace(evidence.base.question, idle=0.05)
    share = 0.3 if evidence.options.connections or evidence.options.message else 0.8
    by_http2 = (questions.extended_connect(base),) if base.target.tls else ()
    return replace(evidence, varied=tuple(clock.ask_all((*_again(base), *by_http2), share, 2.0)))


def _again(base: Question) -> tuple[Question, ...]:
    return tuple(vary(base, Variation.AGAIN, number + 1) for number in range(AGAIN))


def _vary(evidence: Evidence, clock: Clock) -> Evidence:
    base = evidence.base.question
    asked: tuple[Question, ...] = ()
    if evidence.base.failure == "certificate":
        asked = (vary(base, Variation.UNCHECKED, checks=False),)
    elif evidence.base.failure == "tls":
        plain = vary(base, Variation.WITHOUT_TLS, target=replace(base.target, tls=False))
        asked = (plain, questions.plain_by_http2(evidence.options, base.target))
    elif evidence.base.failure not in {"refused", "timeout", "unreachable", "name"}:
        asked = questions.variations(base, evidence.options)
        if not base.target.tls and evidence.base.status in {0, 400}:
            asked = (*asked, questions.secured(base))
        if not evidence.base.head:
            asked = (*asked, questions.plain_by_http2(evidence.options, base.target))
        asked = (*asked, *_again(base))
    asked = (*asked, *_other_addresses(evidence, clock))
    behind = questions.faults(evidence.next.question) if evidence.next else ()
    short = [replace(question, idle=0.05) for question in (*asked, *behind)]
    answers = clock.ask_all(short, 0.6, 3.0)
    varied, beyond = tuple(answers[: len(asked)]), tuple(answers[len(asked) :])
    evidence = replace(evidence, varied=varied, varied_next=beyond)
    return _confirm(_withhold(evidence, clock), clock)


def _other_addresses(evidence: Evidence, clock: Clock) -> tuple[Question, ...]:
    """Ask every address of a name by itself, and the other loopback of a loopback address."""
    base, target = evidence.base.question, evidence.target
    try:
        addresses = dial.resolve(target.host, target.port, time.monotonic() + min(1.0, clock.left))
    except DialError:
        return ()
    if is_loopback(addresses[0]):
        addresses = tuple(dict.fromkeys((*addresses, "127.0.0.1", "::1")))
    if len(addresses) < 2:
        return ()
    return tuple(
        vary(
            base,
            Variation.ADDRESS,
            f"[{address}]" if ":" in address else address,
            address=address,
        )
        for address in addresses[:6]
    )


def _withhold(evidence: Evidence, clock: Clock) -> Evidence:
    """Find out how far Nginx got; alone, because our other questions use its last connections."""
    if evidence.base.status != 500 or not evidence.base.is_page_of_nginx:
        return evidence
    asked = [questions.withheld(evidence.base.question)]
    return replace(evidence, varied=(*evidence.varied, *clock.ask_all(asked, 0.3, 1.0)))


def _confirm(evidence: Evidence, clock: Clock) -> Evidence:
    """Confirm a variation that opens: it may have reached a better one of several servers.

    So the same is asked again by itself: with servers that take turns, not every answer is bad.
    """
    same = evidence.again
    opened = [item for item in evidence.varied if item.is_open]
    if not opened or not same or any(item.is_open for item in same):
        return evidence
    asked = [
        vary(item.question, Variation.AGAIN_ALONE, number + 1) for number, item in enumerate(same)
    ]
    return replace(evidence, varied=(*evidence.varied, *clock.ask_all(asked, 0.3, 2.0)))


def _measure(evidence: Evidence, clock: Clock) -> Evidence:
    """Measure what was requested where a WebSocket opens, each within its share of the time."""
    options, first = evidence.options, evidence.bases[0]
    if not is_healthy(first):
        return evidence
    if options.connections:
        until = clock.end - clock.left * (0.5 if options.message else 0.05)
        found = capacity.measure(first.question, options.connections, until)
        evidence = replace(evidence, load=found.mapped(clock.scrub))
    if options.message:
        until = clock.end - clock.left * 0.05
        evidence = replace(
            evidence, sizes=message_size.measure(first.question, options.message, until)
        )
    return evidence


def _look_around(
    evidence: Evidence, clock: Clock, look: Callable[[], tuple[Listener, ...]]
) -> Evidence:
    """Find the listener on this machine that does answer the handshake."""
    base = evidence.base
    if not is_loopback(base.address) or base.status in {401, 403, 429} or base.is_open:
        return evidence
    found, path = look(), evidence.target.path.partition("?")[0]
    known = {item.question.target.port for item in evidence.bases}
    ports = sorted({row.port for row in found} - _SPARED - known)
    ports = sorted(ports, key=lambda port: abs(port - evidence.target.port))[:MAX_NEIGHBOURS]
    places = (replace(evidence.target, port=port, tls=False, path=path) for port in ports)
    asked = [_as_neighbour(base.question, place, base.address) for place in places]
    return replace(
        evidence,
        neighbours=tuple(clock.ask_all(asked, 0.5, NEIGHBOUR_WAIT)),
        programs=tuple((row.port, row.program) for row in found),
        listeners=tuple((row.address, row.port) for row in found),
    )


def _as_neighbour(question: Question, place: Target, address: str) -> Question:
    """Ask an unrelated server as a page of its own would, without credentials of the user."""
    names = {"upgrade", "connection", "user-agent", "sec-websocket-version"}
    names |= {"sec-websocket-key", "sec-websocket-protocol"}
    headers = tuple(pair for pair in question.headers if pair[0].lower() in names)
    return vary(
        question,
        Variation.NEIGHBOUR,
        place.port,
        target=place,
        address=address,
        headers=(*headers, ("Origin", place.origin)),
        idle=0.02,
    )


def _follow(evidence: Evidence, clock: Clock) -> Evidence:
    """Record where redirects of the same host lead; browsers do not follow them for a WebSocket."""
    chain: list[Exchange] = [evidence.base]
    while len(chain) <= redirect.MAX_REDIRECTS and (head := chain[-1].head):
        if chain[-1].status not in redirect.STATUSES:
            break
        target = located(chain[-1].question.target, head.get("location"))
        if target is None or target.host != evidence.target.host:
            break
        if target in [item.question.target for item in chain]:
            break
        following = vary(evidence.base.question, Variation.REDIRECT, len(chain), target=target)
        chain += clock.ask_all([replace(following, idle=0.05)], 0.3, 1.0)
    return replace(evidence, redirects=tuple(chain[1:]))


def located(target: Target, location: str) -> Target | None:
    """Return the address that a Location header names, seen from ``target`` (RFC 9110 §10.2.2)."""
    base = f"{'https' if target.tls else 'http'}://{target.authority}{target.path}"
    try:
        parts = urlsplit(urljoin(base, location))
        tls = parts.scheme in {"https", "wss"}
        port = parts.port or (443 if tls else 80)
    except ValueError:
        return None
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    if not parts.hostname or any(ord(sign) <= 32 for sign in path):
        return None
    return replace(target, host=parts.hostname, port=port, path=path, tls=tls)


def is_loopback(address: str) -> bool:
    """Whether a numeric address leads to this machine itself."""
    try:
        return ipaddress.ip_address(address.partition("%")[0]).is_loopback
    except ValueError:
        return False
