"""Times `stack lint` beside gixy, and `stack doctor` on a healthy path of two hops.

    python -m bench.diagnose [--rounds N]

Whole commands, in turns. Figures are printed and never asserted.
"""

import argparse
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

from tests.diagnose import emulator
from tests.diagnose.test_cases import NGINX
from tests.render import front

STACK = Path(sys.executable).with_name("stack")
LINES = 5000
LOCATION = """\
        location /ws{n}/ {{
            proxy_pass http://127.0.0.1:{n};
            proxy_set_header Upgrade $http_upgrade;
            proxy_set_header Connection upgrade;
        }}
"""
PASSED_ON = (
    "location / {{ proxy_pass http://127.0.0.1:{port}; proxy_http_version 1.1;"
    " proxy_set_header Upgrade $http_upgrade;"
    " proxy_set_header Connection $connection_upgrade; }}"
)


def main() -> None:
    """Measure both tools and print what came of it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    rounds = parser.parse_args().rounds
    with tempfile.TemporaryDirectory() as folder:
        print(lint(Path(folder), rounds))
        print(doctor(Path(folder), rounds))


def lint(folder: Path, rounds: int) -> str:
    """Judge one file of 5,000 lines by both linters."""
    file = folder / "big.conf"
    count = LINES // LOCATION.count("\n")
    inside = "".join(LOCATION.format(n=number) for number in range(1, count + 1))
    file.write_text(f"events {{}}\nhttp {{\n    server {{\n{inside}    }}\n}}\n")
    ours, theirs = [], []
    for _ in range(rounds):
        ours.append(timed(str(STACK), "lint", str(file)))
        theirs.append(timed(sys.executable, "-m", "gixy.cli", str(file)))
    ratio = median(ours) / median(theirs)
    return (
        f"lint {LINES} lines  stack {median(ours):.2f} s  gixy {median(theirs):.2f} s"
        f"  ratio {ratio:.2f}  wanted <= 1 s"
    )


def doctor(folder: Path, rounds: int) -> str:
    """Examine a WebSocket behind a real Nginx that works."""
    with emulator.running([{"accept": True, "has": ["upgrade"]}]) as server:
        parts = dict.fromkeys(("main", "events", "http", "tls"), "")
        text = NGINX.format(**parts, server=PASSED_ON.format(port=server.port))
        with front.running(text, folder) as nginx:
            hop = f"server=ws://127.0.0.1:{server.port}"
            url = f"ws://127.0.0.1:{nginx.port}/ws"
            ours = [timed(str(STACK), "doctor", url, "--hop", hop) for _ in range(rounds)]
    return f"doctor, two hops  stack {median(ours):.2f} s  wanted <= 1 s"


def timed(*command: str) -> float:
    """Run a command to its end, whatever its exit code; give the seconds."""
    begun = time.perf_counter()
    subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, check=False)
    return time.perf_counter() - begun


if __name__ == "__main__":
    main()
