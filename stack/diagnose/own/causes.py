"""Causes of failures in a stack of our own, seen from inside: WS201 and up. Values."""

from stack.finding import Cause

NETWORKING = "https://docs.docker.com/engine/network/"
PUBLISHING = "https://docs.docker.com/engine/network/port-publishing/"
LISTEN = "https://man7.org/linux/man-pages/man7/ip.7.html"
COMPOSE = "https://docs.docker.com/reference/cli/docker/container/ls/"
RELOAD = "https://nginx.org/en/docs/control.html#reconfiguration"
RESOLVER = "https://nginx.org/en/docs/http/ngx_http_core_module.html#resolver"
PASSWORDS = "https://www.postgresql.org/docs/current/auth-password.html"

NOT_APPLIED = Cause(
    "WS201",
    "not-applied",
    "warning",
    "what runs differs from stack.yaml",
    "stack.yaml, or a file that it names, was changed after the last stack up. The older stack "
    "is still running.",
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
    "Nginx reads its configuration when it starts and when it is reloaded. Until then it uses "
    "the one that it read before, whatever is on disk.",
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
OTHER_PORT = Cause(
    "WS207",
    "service-on-other-port",
    "error",
    "a container listens on another port than stack.yaml says",
    "Nginx connects to the port in stack.yaml. The process inside chose another one.",
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
    "Each container has its own 127.0.0.1. A process that listens there cannot be reached from "
    "outside of the container, not even by Nginx.",
    "make it listen on 0.0.0.0",
    NETWORKING,
    bad='uvicorn.run(app, host="127.0.0.1", port=8000)',
    good='uvicorn.run(app, host="0.0.0.0", port=8000)',
)
PORT_LOST = Cause(
    "WS209",
    "front-port-lost",
    "error",
    "the engine started Nginx without the front port",
    "After a port conflict an engine can start a container without publishing its port "
    "(moby#51758). The container looks healthy, but cannot be reached.",
    "stack up",
    PUBLISHING,
)
ROUTE_FAILS = Cause(
    "WS210",
    "route-fails",
    "error",
    "the front does not answer correctly on a route",
    "As far as stack can see, everything runs and listens, so the service itself answers with an "
    "error: its log says more.",
    "stack logs SERVICE",
    COMPOSE,
)
PASSWORD_REFUSED = Cause(
    "WS211",
    "password-refused",
    "error",
    "a store refuses the password of this stack: its data was created with another one",
    "A database keeps its password in its data, and the data outlives the stack. The secrets in "
    ".stack/NAME/secrets were created again (the folder was deleted, or another checkout had the "
    "same project name), so they no longer match. The service runs, but logins fail.",
    "restore the .stack/NAME/secrets that the data was created with, or delete all data: stack "
    "down --volumes",
    PASSWORDS,
    bad="$ stack down && rm -r .stack && stack up",
    good="$ stack down --volumes && rm -r .stack && stack up",
)
NOT_READY = Cause(
    "WS212",
    "service-not-ready",
    "error",
    "a container runs but fails its readiness check",
    "Its process runs, but does not answer in its own protocol, or reports that it is not ready "
    "yet. Requests may still reach it.",
    "stack logs SERVICE",
    COMPOSE,
)
ONE_OF_SEVERAL = Cause(
    "WS213",
    "one-replica-fails",
    "error",
    "one container of several fails while the others answer",
    "Nginx sends requests to the containers of a service in turn, so some of them reach the one "
    "that fails. Reloading the page seems to help.",
    "stack logs SERVICE, then stack restart SERVICE",
    COMPOSE,
)
FRONT_ALTERS = Cause(
    "WS214",
    "front-fails-service-answers",
    "error",
    "the service answers the same request, the front does not",
    "Asked from Nginx's container with the same headers, the containers answer correctly. So the "
    "configuration that Nginx has loaded treats the request differently than stack.yaml says.",
    "stack up",
    RELOAD,
)
OTHER_ANSWERS = Cause(
    "WS215",
    "somebody-else-answers",
    "warning",
    "the front answers on a route, its containers do not",
    "Asked from Nginx's container, no container of the service answers, and yet an answer comes: "
    "from a container outside of the stack with the same name on its network, or from one that "
    "has just stopped.",
    "stack restart SERVICE",
    NETWORKING,
)
STALE_ADDRESS = Cause(
    "WS216",
    "stale-address",
    "error",
    "Nginx uses an address that no container of the service has",
    "A container that was recreated has another address. Nginx resolves a literal name once, "
    "when it reads its configuration, and keeps that address. Configurations that stack writes "
    "ask Docker's DNS every second.",
    "stack up; if that has nothing to change: stack restart nginx",
    RESOLVER,
    bad="upstream api { server api:8000; }   # looked up once",
    good="resolver 127.0.0.11 valid=1s;\nset $upstream api:8000;\nproxy_pass http://$upstream;",
)
FRONT_FULL = Cause(
    "WS217",
    "front-at-its-limit",
    "error",
    "Nginx has no connection or open file left",
    "Each open WebSocket uses two connections of a worker and two open files, one for the "
    "browser and one for the service. At the limit, new connections are refused, or closed "
    "without an answer.",
    "close unused connections, or raise worker_connections and worker_rlimit_nofile",
    "https://nginx.org/en/docs/ngx_core_module.html#worker_connections",
    bad="events { worker_connections 512; }   # 300 open WebSockets",
    good="worker_rlimit_nofile 8192;\nevents { worker_connections 4096; }",
)

OWN_CAUSES = (
    NOT_APPLIED,
    NOT_LOADED,
    NOT_RUNNING,
    OTHER_PORT,
    INSIDE_LOOPBACK,
    PORT_LOST,
    ROUTE_FAILS,
    PASSWORD_REFUSED,
    NOT_READY,
    ONE_OF_SEVERAL,
    FRONT_ALTERS,
    OTHER_ANSWERS,
    STALE_ADDRESS,
    FRONT_FULL,
)
