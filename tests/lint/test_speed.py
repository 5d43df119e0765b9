"""A configuration of 5,000 lines is judged within a second."""

import time
from pathlib import Path

from stack.diagnose.lint import Options, lint
from stack.diagnose.nginx_conf import read

LOCATION = """        location /ws{n}/ {{
            proxy_pass http://127.0.0.1:{n};
            proxy_set_header Upgrade $http_upgrade;
            proxy_set_header Connection upgrade;
        }}"""


def test_five_thousand_lines_take_less_than_a_second(tmp_path: Path) -> None:
    locations = "\n".join(LOCATION.format(n=n) for n in range(1, 1001))
    path = tmp_path / "nginx.conf"
    path.write_text(f"http {{\n    server {{\n{locations}\n    }}\n}}\n")
    start = time.perf_counter()
    found = lint(read(path), Options((1, 26, 3), ("/ws1/",)))
    assert time.perf_counter() - start < 1
    assert {finding.code for finding in found} >= {"WS004"}
