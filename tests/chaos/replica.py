"""Starts a server whose wall clock is CHAOS_AHEAD seconds ahead, and that forgets keys early.

Keys are forgotten after 15 s instead of 5 min, so a test can pause a relay for longer.
"""

import os
import sys
import time
from collections.abc import Callable

from ws_server import __main__
from ws_server.broker import redis

KEY_TTL = 15.0


def main() -> None:
    """Serve as ``python -m ws_server`` does."""
    true: Callable[[], float] = time.time
    ahead = float(os.environ["CHAOS_AHEAD"])
    time.time = lambda: true() + ahead
    redis.KEY_TTL = KEY_TTL
    sys.exit(__main__.main())


if __name__ == "__main__":
    main()
