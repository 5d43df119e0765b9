"""What can be wrong with a stack of our own, seen from inside: the causes WS201 and up. Values."""

from stack.diagnose.finding import Cause

NETWORKING = "https://docs.docker.com/engine/network/"
PUBLISHING = "https://docs.docker.com/engine/network/port-publishing/"
LISTEN = "https://man7.org/linux/man-pages/man7/ip.7.html"
COMPOSE = "https://docs.docker.com/reference/cli/docker/container/ls/"
RELOAD = "https://nginx.org/en/docs/control.html#reconfiguration"

NOT_APPLIED = Cause(
    "WS201",
    "not-applied",
    "warning",
    "what runs is not what stack.yaml says",
    "stack.yaml, or a file that it names, was changed after the last stack up. What you look at "
    "is the older stack.",
    "stack up",
    COMPOSE,
    bad="services:\n  api: { build: ./api, port: 8000 }   # changed; the container is older",
    good="$ stack up --dry-run\n  nothing to change",
)
NOT_LOADED = Cause(
    "WS202",
    "configuration-not-loaded",
    "error",
    "Nginx serves with another configuration than the one on disk",
    "Nginx reads its configuration when it starts and when it is told to. Until then, the one that "
    "it read before is in force, whatever lies on disk.",
    "stack up",
    RELOAD,
)
NOT_RUNNING = Cause(
    "WS203",
    "service-not-running",
    "error",
    "a container of the stack does not run",
    "The process of the container ended, or it was never started. Nginx answers 502 on its routes.",
    "stack logs SERVICE, then stack up",
    COMPOSE,
)
HOST_SILENT = Cause(
    "WS204",
    "host-service-silent",
    "error",
    "nothing listens on the port of a host service",
    "The service is one that you start on this machine yourself; it does not run, or it took "
    "another port because its own was taken.",
    "start your dev server, or correct its port in stack.yaml",
    LISTEN,
    bad="services:\n  app: { host: 3000 }   # and nothing listens on 3000",
    good="services:\n  app: { host: 3001 }   # where it does",
)
HOST_LOOPBACK = Cause(
    "WS205",
    "host-service-on-loopback",
    "error",
    "a host service listens on loopback only, where no container reaches it",
    "Nginx runs in a container, and 127.0.0.1 is another machine's there. A dev server that "
    "listens on 127.0.0.1 or ::1 answers your browser, yet not Nginx.",
    "start it on 0.0.0.0, such as: next dev -H 0.0.0.0, vite --host 0.0.0.0",
    NETWORKING,
    bad="$ next dev -H 127.0.0.1",
    good="$ next dev -H 0.0.0.0",
)
HOST_BLOCKED = Cause(
    "WS206",
    "host-service-blocked",
    "error",
    "a host service answers here, but not from a container",
    "It listens on all addresses, so something in between drops the connection: most often a "
    "firewall on this machine that does not know Docker's bridge.",
    "allow the bridge, such as: ufw allow in on docker0 to any port PORT proto tcp",
    NETWORKING,
)
OTHER_PORT = Cause(
    "WS207",
    "service-on-other-port",
    "error",
    "a container listens on another port than stack.yaml says",
    "Nginx connects to the port of stack.yaml. The process inside chose its own.",
    "write the port that it listens on",
    PUBLISHING,
    bad="services:\n  api: { build: ./api, port: 8000 }   # the process listens on 3000",
    good="services:\n  api: { build: ./api, port: 3000 }",
)
INSIDE_LOOPBACK = Cause(
    "WS208",
    "service-on-loopback",
    "error",
    "a process listens on its container's loopback only",
    "Each container has a 127.0.0.1 of its own. What listens there is reached by nobody outside of "
    "the container, Nginx included.",
    "let it listen on 0.0.0.0",
    NETWORKING,
    bad='uvicorn.run(app, host="127.0.0.1", port=8000)',
    good='uvicorn.run(app, host="0.0.0.0", port=8000)',
)
PORT_LOST = Cause(
    "WS209",
    "front-port-lost",
    "error",
    "the engine started Nginx without the front port",
    "After a clash of ports an engine can start a container whose port it does not publish "
    "(moby#51758). The container looks well, and nobody reaches it.",
    "stack up",
    PUBLISHING,
)
ROUTE_FAILS = Cause(
    "WS210",
    "route-fails",
    "error",
    "the front door does not answer on a route as it should",
    "Everything that stack can see runs and listens, so the service itself answers in a way that "
    "is no success: its log says more.",
    "stack logs SERVICE",
    COMPOSE,
)

OWN_CAUSES = (
    NOT_APPLIED,
    NOT_LOADED,
    NOT_RUNNING,
    HOST_SILENT,
    HOST_LOOPBACK,
    HOST_BLOCKED,
    OTHER_PORT,
    INSIDE_LOOPBACK,
    PORT_LOST,
    ROUTE_FAILS,
)
