"""Causes of failures outside of the stack's own containers, seen through the front: WS204 on."""

from stack.finding import Cause

NETWORKING = "https://docs.docker.com/engine/network/"
INDEX = "https://nginx.org/en/docs/http/ngx_http_index_module.html"
LISTEN = "https://man7.org/linux/man-pages/man7/ip.7.html"

HOST_SILENT = Cause(
    "WS204",
    "host-service-silent",
    "error",
    "nothing listens on the port of a host service",
    "The service is one that you start on this machine yourself. It does not run, or it uses "
    "another port because its own was taken.",
    "start your dev server, or correct its port in stack.yaml",
    LISTEN,
    bad="services:\n  app: { host: 3000 }   # and nothing listens on 3000",
    good="services:\n  app: { host: 3001 }   # the port it listens on",
)


HOST_LOOPBACK = Cause(
    "WS205",
    "host-service-on-loopback",
    "error",
    "a host service listens on loopback only, which containers cannot reach",
    "Nginx runs in a container, where 127.0.0.1 is the container itself. A dev server that "
    "listens on 127.0.0.1 or ::1 answers your browser, but not Nginx.",
    "start it on 0.0.0.0, such as: next dev -H 0.0.0.0, vite --host 0.0.0.0",
    NETWORKING,
    bad="$ next dev -H 127.0.0.1",
    good="$ next dev -H 0.0.0.0",
)


DEV_REFUSES = Cause(
    "WS218",
    "dev-server-refuses-address",
    "error",
    "a dev server refuses the address of the front, or its hot-reload socket does",
    "Dev servers accept only the host names and origins that they know. If only the hot-reload "
    "socket is refused, the page loads but does not react: Next.js hydrates after its socket has "
    "opened.",
    "add the host name of the front to the allowed hosts of the dev server",
    "https://nextjs.org/docs/app/api-reference/config/next-config-js/allowedDevOrigins",
    bad="GET /_next/hmr, Origin: http://127.0.0.1:8080 -> Unauthorized",
    good="module.exports = { allowedDevOrigins: ['127.0.0.1'] }",
)


DEV_FAILS = Cause(
    "WS219",
    "dev-server-fails",
    "error",
    "a service on this machine is reachable but does not answer correctly",
    "The connection succeeded, so the address is correct. The answer is an error of the service, "
    "or has not come yet: a first compilation can take long.",
    "check the terminal of your dev server",
    LISTEN,
)


HOST_BLOCKED = Cause(
    "WS206",
    "host-service-blocked",
    "error",
    "a host service answers here, but not from a container",
    "It listens on all addresses, so something in between drops the connection: most often a "
    "firewall on this machine that does not allow Docker's bridge.",
    "allow the bridge, such as: ufw allow in on docker0 to any port PORT proto tcp",
    NETWORKING,
)

NO_INDEX = Cause(
    "WS220",
    "folder-without-page",
    "error",
    "a folder of files has no page that Nginx can serve",
    "For a folder, Nginx serves its index.html. If there is none, or the user of the container "
    "may not read it, Nginx answers 403. A folder below a path, such as one of assets, does not "
    "need one: any file in it proves the route.",
    "write an index.html, or name the folder that has one, such as the output of a build",
    INDEX,
    bad="services:\n  web: { static: ./site }        # ./site/dist/index.html",
    good="services:\n  web: { static: ./site/dist }",
)

PROOF_CAUSES = (HOST_SILENT, HOST_LOOPBACK, HOST_BLOCKED, DEV_REFUSES, DEV_FAILS, NO_INDEX)
