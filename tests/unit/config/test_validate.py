"""What does not fit together is said with its place and its path."""
# ruff: noqa: E501 - the table reads best with one case a line

import json
from pathlib import Path

import pytest

from tests.unit.written import OK, loaded, problems, service

# fmt: off
# What is written, and the whole message without ``stack.yaml``.
RULES = [
    (service("r: {preset: redis, port: 6380}"), ":3:22: services.r.port: redis listens on 6379 only"),
    (service("w: {image: x, preset: redis}"), ":3:7: services.w.image: preset and image exclude each other"),
    (service("w: {image: x, preset: redis, host: 1}"), ":3:7: services.w.image: preset, image and host exclude each other"),
    (service("w: {port: 80}"), ":3:3: services.w: does not say what it is; add one of preset, image, build, host or static"),
    (service("nginx: {image: x}"), ":3:3: services.nginx: is the name of the front itself; choose another"),
    (service("w: {image: 'My App'}"), ":3:7: services.w.image: 'My App' is not the name of an image, like mongo:8"),
    (service("w-: {build: .}"), ":3:3: services.w-: Docker refuses shop-w- as the name of its image"),
    (service("w: {host: 3000}"), ":3:7: services.w.host: port 3000 is also services.app.host"),
    (service("w: {host: 8080}"), ":3:7: services.w.host: port 8080 is also front.port"),
    (service("w: {static: ., port: 80}"), ":3:18: services.w.port: has no effect on a static service"),
    (service("w: {preset: redis, replicas: 2}"), ":3:22: services.w.replicas: redis runs only once"),
    (service("w: {host: 5, memory: 1g}"), ":3:16: services.w.memory: has no effect on a host service"),
    (service("w: {image: x, memory: 1gb}"), ":3:17: services.w.memory: '1gb' is not allowed here; write a size of at least 10m, like 512m or 2g"),
    (service("w: {preset: redis, init: .}"), ":3:22: services.w.init: is only for preset: postgres"),
    (service("w: {preset: redis, namespaces: {a: {}}}"), ":3:22: services.w.namespaces: is only for preset: realtime"),
    (service("w: {preset: postgres, env: {POSTGRES_USER: me}}"), ":3:31: services.w.env.POSTGRES_USER: must be postgres: stack and what needs w log in as it"),
    (service("w: {preset: realtime, namespaces: {a: {force_recovery: true}}}"), ":3:42: services.w.namespaces.a.force_recovery: needs history_size and history_ttl"),
    (service("w: {preset: realtime, namespaces: {a: {join_leave: true}}}"), ":3:42: services.w.namespaces.a.join_leave: needs presence: true"),
    (service("w: {preset: postgres, port: 5432}"), ":3:25: services.w.port: postgres listens on 5432 only"),
    (service("w: {preset: redis, replicas: 1}"), ":3:22: services.w.replicas: redis runs only once"),
    (service("w: {preset: redis, ready: {tcp: 6379}}"), ":3:22: services.w.ready: tcp cannot be checked: Nginx, which sends the request, cannot reach a store"),
    (service("w: {static: nope}"), ":3:7: services.w.static: there is no folder nope"),
    (service("w: {build: nope}"), ":3:7: services.w.build: there is no folder nope"),
    (service("w: {image: x, env_file: .envx}"), ":3:17: services.w.env_file: there is no file .envx"),
    (service("w: {image: x, needs: [ap]}"), ":3:25: services.w.needs.0: there is no service ap; did you mean app?"),
    (service("w: {image: x, needs: [app]}"), ":3:25: services.w.needs.0: app is not started by stack"),
    (service("w: {image: x, needs: [w]}"), ":3:17: services.w.needs: is a dependency cycle: w → w"),
    (service("a: {image: x, needs: [b]}\n  b: {image: x, needs: [a]}"), ":3:17: services.a.needs: is a dependency cycle: a → b → a"),
    (service("r: {preset: redis, needs: [w]}\n  w: {preset: realtime}"), ":3:22: services.r.needs: is a dependency cycle: r → w → r"),
    (service("w: {image: x, ready: {}}"), ":3:17: services.w.ready: needs exactly one of tcp, http, websocket, command or log"),
    (service("w: {image: x, ready: {http: /}}"), ":3:17: services.w.ready: http needs the service's port"),
    (service("w: {image: x, ready: {log: '('}}"), ":3:25: services.w.ready.log: is not a valid regular expression"),
    (service("w: {host: 5, ready: {log: x}}"), ":3:16: services.w.ready: has no effect on a host service"),
    (service("w: {image: x, volumes: ['a']}"), ":3:27: services.w.volumes.0: 'a' is not of the form name:/path or ./folder:/path"),
    (service("w: {image: x, volumes: ['./a:b:/c']}"), ":3:27: services.w.volumes.0: './a:b:/c' is not of the form name:/path or ./folder:/path"),
    (service("w: {image: x, volumes: ['a b:/c']}"), ":3:27: services.w.volumes.0: 'a b' is neither a volume name nor a ./folder"),
    (service('w: {image: x, volumes: ["a\\n:/c"]}'), ":3:27: services.w.volumes.0: 'a\\n' is neither a volume name nor a ./folder"),
    (service("w: {image: x, volumes: ['a:/']}"), ":3:27: services.w.volumes.0: nothing can be mounted at /"),
    (service("w: {image: x, volumes: ['a://']}"), ":3:27: services.w.volumes.0: nothing can be mounted at /"),
    (service("w: {image: x, volumes: ['a:/x/../proc/']}"), ":3:27: services.w.volumes.0: nothing can be mounted at /proc"),
    (service("w: {image: x, volumes: ['a:/proc/x']}"), ":3:27: services.w.volumes.0: nothing can be mounted at /proc/x"),
    (service("w: {image: x, volumes: ['a:/sys/x:ro']}"), ":3:27: services.w.volumes.0: nothing can be mounted at /sys/x"),
    (service("w: {image: x, volumes: ['a:/dev']}"), ":3:27: services.w.volumes.0: nothing can be mounted at /dev"),
    (service("w: {image: x, volumes: ['a:/c', 'b:/c/']}"), ":3:35: services.w.volumes.1: /c is mounted twice"),
    (f"{OK}  /x: ap\n", ":5:3: routes./x.to: there is no service ap; did you mean app?"),
    (f"{OK}  x: app\n", ":5:3: routes.x: must start with / and not contain a space, ?, #, %, \\, //, . or .."),
    (f'{OK}  "/x\\n": app\n', ":5:3: routes./x\\n: must start with / and not contain a space, ?, #, %, \\, //, . or .."),
    (f"{OK}  /x/: app\n  /x: app\n", ":6:3: routes./x: is the same path as /x/"),
    ("services: {w: {image: x}}\nroutes: {/: w}\n", ":1:12: services.w: has a route (/), so it needs a port"),
    ("services: {r: {preset: redis}}\nroutes: {/: r}\n", ":2:10: routes./.to: r does not speak HTTP"),
    ("services: {s: {static: .}}\nroutes: {/: {to: s, websocket: true}}\n", ":2:21: routes./.websocket: s is a folder of files"),
    (f"{OK}front: {{hosts: [ok.test, 'http://a.test/']}}\n", ":5:26: front.hosts.1: 'http://a.test/' is an address; write only its host name"),
    (f"{OK}front: {{hosts: [ok.test, 'a.test:80']}}\n", ":5:26: front.hosts.1: 'a.test:80' has a port; write only the host name, which applies to every port"),
    (f"{OK}front: {{hosts: [ok.test, '*.a.test']}}\n", ":5:26: front.hosts.1: '*.a.test' is a pattern; write each name separately"),
    (f"{OK}front: {{hosts: [ok.test, bücher.test]}}\n", ":5:26: front.hosts.1: 'bücher.test' is not an ASCII name; write it as browsers send it, with xn--"),
    (f"{OK}front: {{hosts: [ok.test, -a.test]}}\n", ":5:26: front.hosts.1: '-a.test' is not a host name"),
    (f"{OK}front: {{hosts: [ok.test, 'a b']}}\n", ":5:26: front.hosts.1: 'a b' is not a host name"),
    (f"{OK}deploy: {{host: a.b, tls: {{certificate: /c, key: /k}}, upstreams: {{x: 'a:1'}}}}\n", ":5:66: deploy.upstreams.x: there is no service x"),
]
# fmt: on


@pytest.mark.parametrize(
    ("content", "wanted"), RULES, ids=[wanted.partition(": ")[2] for _, wanted in RULES]
)
def test_problem(tmp_path: Path, content: str, wanted: str) -> None:
    folder = tmp_path / "shop"
    folder.mkdir()
    (folder / "Dockerfile").touch()
    assert problems(folder, content)[0] == f"stack.yaml{wanted}"


def test_another_role_of_postgres_is_made_by_sql(tmp_path: Path) -> None:
    text = service("w: {preset: postgres, env: {POSTGRES_USER: me}}")
    assert problems(tmp_path, text)[1] == "create other roles by SQL, in the folder of init"


@pytest.mark.parametrize(
    "line",
    [
        "w: {preset: postgres, env: {POSTGRES_USER: postgres}}",
        "w: {preset: postgres, env: {POSTGRES_USER: ''}}",
        "w: {image: 'postgres:17', env: {POSTGRES_USER: me}}",
    ],
)
def test_a_postgres_that_signs_in_is_fine(tmp_path: Path, line: str) -> None:
    assert loaded(tmp_path, service(line)).services["w"].env


# Nginx reads these in ssl_certificate as something else than a file.
@pytest.mark.parametrize("path", ["$$x", "/etc/$$x", "data:x", "engine:x:y", "relative.pem"])
@pytest.mark.parametrize("key", ["certificate", "key"])
def test_a_certificate_is_an_absolute_path(tmp_path: Path, key: str, path: str) -> None:
    tls = {"certificate": "/c", "key": "/k", key: path}
    message, _ = problems(tmp_path, f"{OK}deploy: {json.dumps({'host': 'a.b', 'tls': tls})}\n")
    shown = path.replace("$$", "$")
    assert f"deploy.tls.{key}: {shown!r} is not an absolute path without $" in message


@pytest.mark.parametrize("resolver", ["1.2", "::x", "1.1.1.1.1"])
def test_a_resolver_is_an_address(tmp_path: Path, resolver: str) -> None:
    deploy = {"host": "a.b", "tls": {"certificate": "/c", "key": "/k"}, "resolver": resolver}
    message, _ = problems(tmp_path, f"{OK}deploy: {json.dumps(deploy)}\n")
    assert "deploy.resolver: " in message
