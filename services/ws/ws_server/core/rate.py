"""How often each address may connect: a bucket for each; no clock, no I/O."""

TOO_OFTEN = "Too many connections a second from this address.\n"
MANY = 10_000  # addresses; beyond, those that have their whole burst again are forgotten


class Rate:
    """So many connections a second and address, with bursts of two seconds' worth; 0: no limit."""

    def __init__(self, rate: float) -> None:
        self._rate = rate
        self._seen: dict[str, tuple[float, float]] = {}  # what is left, and when it was that

    def allows(self, address: str, now: float) -> bool:
        """Whether the address may connect at ``now``; a refusal takes nothing."""
        if not self._rate:
            return True
        burst = self._rate * 2
        left, at = self._seen.pop(address, (burst, now))
        left = min(burst, left + (now - at) * self._rate)
        is_allowed = left >= 1
        self._seen[address] = (left - is_allowed, now)
        if len(self._seen) > MANY:
            self._forget(now)
        return is_allowed

    def _forget(self, now: float) -> None:
        """Forget the oldest: a bucket is whole again after two seconds."""
        for address, (_, at) in list(self._seen.items()):
            if now - at < 2 and len(self._seen) <= MANY:
                return
            del self._seen[address]
