"""Starts the server from the environment and stops it on SIGTERM; decides nothing else."""

import os
import signal
import sys


def main() -> int:
    """Serve until a signal; return 0 if drained, 2 for a wrong setting, 1 for a busy port."""
    # As PID 1 a process ignores SIGTERM until it has a handler, and the imports take a while.
    signal.signal(signal.SIGTERM, lambda _number, _frame: os._exit(0))
    # All chunks of a session cookie are one line; the library reads its limit on import.
    os.environ.setdefault("WEBSOCKETS_MAX_LINE_LENGTH", "32768")
    from ws_server.broker.brokers import BROKERS
    from ws_server.settings.config import load
    from ws_server.settings.environment import ConfigError

    try:
        settings = load(os.environ, tuple(BROKERS))
    except ConfigError as error:
        sys.stderr.write(f"ws_server: {error}\n")
        return 2
    from ws_server import process

    return process.run(settings)


if __name__ == "__main__":
    sys.exit(main())
