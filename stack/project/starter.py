"""The commented stack.yaml that ``stack init`` writes. Looks at nothing yet."""

import stat
from pathlib import Path

from stack import files
from stack.errors import ConfigError
from stack.hint import naming, quoted
from stack.os_errors import from_os_error

STARTER = """\
# One origin for your app and its WebSocket server. Start it with: stack up
# Every key: stack schema

front:
  port: 8080                  # the one port you open: http://localhost:8080

services:
  app:      { host: 3000 }    # your dev server on this machine, listening on 0.0.0.0
  ws:
    preset: realtime
    namespaces:
      room:                   # for channels such as room:1; a token has to name them
        allow_publish_for_subscriber: true
        allow_presence_for_subscriber: true
        allow_history_for_subscriber: true
        presence: true
        join_leave: true
        history_size: 100
        history_ttl: 1h
        force_recovery: true  # who reconnects gets what was missed
  redis:    { preset: redis }
  postgres: { preset: postgres }
  # api:    { build: ./api, port: 8000, ready: { http: /healthz }, needs: [postgres] }
  # site:   { static: ./public }

routes:
  /:   app
  /ws: { to: ws, websocket: true }
  # /api: { to: api, strip_prefix: true }

# deploy:                     # for: stack render --target deploy
#   host: shop.example.com
#   tls: { certificate: /etc/ssl/shop.pem, key: /etc/ssl/shop.key }
"""


def write_starter(file: Path, *, force: bool) -> None:
    """Write the starter file. Raises ConfigError if there is one already, unless ``force``."""
    try:
        if is_there(file) and not force:
            raise ConfigError(f"{file.name}: exists already", "stack up, or: stack init --force")
        if is_there(file) and not is_plain(file):
            raise ConfigError(
                f"{file}: is not a regular file, so it is not replaced",
                "stack init --file another.yaml",
            )
        which = "" if file.name == "stack.yaml" else f" --file {quoted(file.name)}"
        files.write(file, naming(STARTER, which))
    except OSError as error:
        raise from_os_error(error, str(file), is_written=True) from None


def is_there(file: Path) -> bool:
    """Whether something has that name, even a broken link. Raises OSError."""
    try:
        file.lstat()
    except FileNotFoundError:
        return False
    return True


def is_plain(file: Path) -> bool:
    """Whether it is a file itself, and not a link, a device or a pipe."""
    return stat.S_ISREG(file.lstat().st_mode)
