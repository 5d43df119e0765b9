"""The page behind a proxy that blocks upgrades: a real Nginx that has nothing but proxy_pass."""

from pathlib import Path

from playwright.sync_api import expect

from stack.diagnose.doctor.conclusions.event_stream import WORKS
from tests.browser.conftest import Open, entered, say
from tests.integration.projects import Project
from tests.render.front import running

STRICT = """
error_log stderr crit;
events {{ }}
http {{
  access_log off;
  server {{
    listen 8080;
    location / {{
      proxy_pass http://127.0.0.1:{port};
      proxy_set_header Host $http_host;
    }}
  }}
}}
"""


def test_the_page_works_by_fallback(demo: Project, address: Open, tmp_path: Path) -> None:
    with running(STRICT.format(port=demo.port), tmp_path) as proxy:
        place = f"http://127.0.0.1:{proxy.port}"
        alice = address(f"{place}/#token={demo.token('room:blocked')}")
        entered(alice, "room:blocked")
        expect(alice.locator("#fact-url")).to_have_text(f"{place}/connection/http_stream")
        bob = address(f"{demo.url}/#token={demo.token('room:blocked', sub='bob')}")
        entered(bob, "room:blocked")
        expect(alice.locator("#people li")).to_have_text(["alice (you)", "bob"])
        say(alice, "from behind the proxy")
        say(bob, "from outside")
        for page in (alice, bob):
            texts = ["from behind the proxy", "from outside"]
            expect(page.locator("#log .body")).to_have_text(texts)
        assert WORKS.code in demo.run("doctor", f"ws://127.0.0.1:{proxy.port}/ws").stdout
