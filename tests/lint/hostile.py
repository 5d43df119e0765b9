"""Files that mean harm to ``stack lint``: each function writes one, and gives what is linted."""

import os
import socket
from collections.abc import Callable
from pathlib import Path

MIB = 1 << 20
Build = Callable[[Path], Path]


def _text(text: str | bytes) -> Build:
    def build(folder: Path) -> Path:
        path = folder / "nginx.conf"
        path.write_bytes(text if isinstance(text, bytes) else text.encode(errors="surrogatepass"))
        return path

    return build


def _main(target: Callable[[Path], str]) -> Build:
    """A configuration that includes what ``target`` names."""

    def build(folder: Path) -> Path:
        return _text(f"http {{ include {target(folder)}; }}\n")(folder)

    return build


def _fifo(folder: Path) -> Path:
    os.mkfifo(folder / "fifo")
    return folder / "fifo"


def _sparse(folder: Path) -> Path:
    with (folder / "sparse.conf").open("wb") as file:
        file.truncate(8 << 30)
    return folder / "sparse.conf"


def _socket(folder: Path) -> Path:
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(folder / "s"))
    return folder / "s"


def _folder(folder: Path) -> Path:
    (folder / "conf.d").mkdir()
    return folder / "conf.d"


def _circle_of_links(folder: Path) -> Path:
    (folder / "a").symlink_to(folder / "b")
    (folder / "b").symlink_to(folder / "a")
    return folder / "a"


def _link_nowhere(folder: Path) -> Path:
    (folder / "a").symlink_to(folder / "nowhere")
    return folder / "a"


def _doubling(folder: Path) -> Path:
    for number in range(30):
        following = f"{number + 1}.conf"
        (folder / f"{number}.conf").write_text(f"include {following};\n" * 2)
    (folder / "30.conf").write_text("gzip on;\n")
    return folder / "0.conf"


def _doubling_nothing(folder: Path) -> Path:
    first = _doubling(folder)
    (folder / "30.conf").write_text("")
    return first


def _wide(folder: Path) -> Path:
    (folder / "leaf.conf").write_text("gzip on;\n" * 100)
    (folder / "nginx.conf").write_text("include leaf.conf;\n" * 9_000)
    return folder / "nginx.conf"


def _heavy(folder: Path) -> Path:
    (folder / "leaf.conf").write_text(("#" * 1000 + "\n") * 1000)
    (folder / "nginx.conf").write_text("include leaf.conf;\n" * 100)
    return folder / "nginx.conf"


def _cycle(folder: Path) -> Path:
    (folder / "a.conf").write_text("include b.conf;\n")
    (folder / "b.conf").write_text("include a.conf; include a.conf;\n")
    return folder / "a.conf"


def _many_files(folder: Path) -> Path:
    (folder / "many").mkdir()
    for number in range(20_000):
        (folder / "many" / str(number)).touch()
    return _main(lambda _: "many/*")(folder)


def _deep_and_nested(folder: Path) -> Path:
    for number in range(30):
        inside = f"include {number + 1}.conf;"
        (folder / f"{number}.conf").write_text("a { " * 90 + inside + " }" * 90)
    (folder / "30.conf").write_text("gzip on;\n")
    return folder / "0.conf"


def _name_of_bytes(folder: Path) -> Path:
    path = os.fsencode(folder) + b"/\xff\xfe.conf"
    Path(os.fsdecode(path)).write_text("http {")
    return Path(os.fsdecode(path))


def _steering_name(folder: Path) -> Path:
    path = folder / "a\x1b[31m\n::error::.conf"
    path.write_text("http {")
    return path


def _long_link(folder: Path) -> Path:
    return folder / ("x" * 256)


LOCATION = (
    "location %s { proxy_pass http://127.0.0.1:3000; proxy_set_header Upgrade $http_upgrade; }"
)
HOSTILE: dict[str, Build] = {
    "pipe": _fifo,
    "socket": _socket,
    "folder": _folder,
    "zero": lambda _: Path("/dev/zero"),
    "random": lambda _: Path("/dev/urandom"),
    "null": lambda _: Path("/dev/null"),
    "kernel log": lambda _: Path("/proc/kmsg"),
    "memory": lambda _: Path("/proc/self/mem"),
    "kcore": lambda _: Path("/proc/kcore"),
    "environment": lambda _: Path("/proc/self/environ"),
    "8 GB": _sparse,
    "circle of links": _circle_of_links,
    "link to nowhere": _link_nowhere,
    "long name": _long_link,
    "long path": lambda folder: folder / "/".join(["x" * 250] * 17),
    "below a file": lambda folder: _text("a;")(folder) / "below",
    "name in bytes": _name_of_bytes,
    "name that steers": _steering_name,
    "includes a pipe": _main(lambda folder: str(_fifo(folder))),
    "includes a device": _main(lambda _: "/dev/zero"),
    "includes 8 GB": _main(lambda folder: str(_sparse(folder))),
    "includes a folder": _main(lambda folder: str(_folder(folder))),
    "includes all": _main(lambda _: "/*/*"),
    "includes all below": _main(lambda _: "/*/*/*/*/*/*/*"),
    "includes proc": _main(lambda _: "/proc/*/*"),
    "includes itself": _main(lambda _: "nginx.conf"),
    "includes a circle": _cycle,
    "includes 2^30": _doubling,
    "includes 2^30 of nothing": _doubling_nothing,
    "includes widely": _wide,
    "includes 100 MiB": _heavy,
    "includes 20,000 files": _many_files,
    "includes deeper and deeper": _deep_and_nested,
    "includes a long name": _main(lambda _: "x" * 5000),
    "includes U+0000": _text(b"include a\0b;"),
    "includes brackets": _text("include [" + "[a-" * 5000 + "*;"),
    "includes stars": _text("include " + "*a" * 200 + ";"),
    "nothing": _text(""),
    "random bytes": _text(bytes(range(256)) * 200),
    "zeros": _text(b"\0" * MIB),
    "UTF-16": _text("http { }".encode("utf-16")),
    "surrogates": _text("\ud800 \udfff;"),
    "only blocks": _text("a{" * 100_000),
    "only ends": _text("}" * 100_000),
    "deep": _text("a{" * 5000 + "}" * 5000),
    "no end": _text("a " * 100_000),
    "one token": _text("a" * MIB),
    "one line": _text("proxy_pass http://" + "a" * MIB + ";"),
    "open quote": _text("'" + "a\n" * 500_000),
    "open variable": _text("${" + "a" * MIB),
    "backslashes": _text("\\" * MIB),
    "comments": _text("#\n" * 100_000),
    "17 MiB": _text("#" * 17 * MIB),
    "directives": _text("a;" * 520_000),
    "locations": _text("server {" + "".join(LOCATION % f"/{n}" for n in range(5000)) + "}"),
    "regular expressions": _text("server {" + LOCATION % ("~ ^" + "(a*)*" * 500 + "b$") + "}"),
    "a regular expression that explodes": _text(
        "server {" + LOCATION % "~ ^/(a+)+$" + LOCATION % ("/" + "a" * 60 + "!") + "}"
    ),
    "locations on lines": _text(
        "server {\n" + "".join(LOCATION % f"/{n}" + "\n" for n in range(5000)) + "}"
    ),
    "nested sets": _text("server {" + LOCATION % ("~ [[[[" + "(?:" * 2000) + "}"),
    "maps": _text("".join(f"map $v{n} $v{n + 1} {{ default $v{n}; }}" for n in range(3000))),
    "map of itself": _text("map $a $b { default $b; } server { location / { proxy_pass $b; } }"),
    "sets in a circle": _text("server { set $a $b; set $b $a; location / { proxy_pass $a; } }"),
    "servers": _text("".join(f"server {{ server_name s{n}; }}" for n in range(20_000))),
    "upstreams": _text(
        "".join(f"upstream u{n} {{ server u{n + 1}; }}" for n in range(3000))
        + "server { location / { proxy_pass http://u0; } }"
    ),
    "numbers": _text(
        "server { listen 99999999999999999999999; keepalive_timeout " + "9" * 9999 + "; }"
    ),
    "units": _text("server { proxy_read_timeout 1d1d1d1h1m1s1x; client_max_body_size -1g; }"),
}
