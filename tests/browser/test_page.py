"""What a user sees at / after `make up`, in a real Chromium through the front port."""

import re

from playwright.sync_api import Page, expect

from tests.browser.conftest import Open, entered, say
from tests.integration.projects import Project


def bodies(page: Page) -> list[str]:
    return page.locator("#log .body").all_inner_texts()


def offsets(page: Page) -> list[int]:
    return [int(text.removeprefix("#")) for text in page.locator("#log .offset").all_inner_texts()]


def test_two_windows_talk_and_see_each_other(demo: Project, window: Open) -> None:
    alice = window(demo.token("room:talk"))
    entered(alice, "room:talk")
    bob = window(demo.token("room:*", sub="bob"))
    bob.fill("#channel", "room:talk")
    bob.click("#toggle")
    entered(bob, "room:talk")
    expect(alice.locator("#people li")).to_have_text(["alice (you)", "bob"])
    say(alice, "Hello <b>Bob</b>")
    say(bob, "Hello Alice")
    for page in (alice, bob):
        expect(page.locator("#log .body")).to_have_text(["Hello <b>Bob</b>", "Hello Alice"])
    assert alice.locator("#log .own .body").all_inner_texts() == ["Hello <b>Bob</b>"]
    bob.context.close()
    expect(alice.locator("#people li")).to_have_text(["alice (you)"])


def test_who_comes_later_sees_what_was_said(demo: Project, window: Open) -> None:
    alice = window(demo.token("room:past"))
    entered(alice, "room:past")
    for number in range(3):
        say(alice, f"message {number}")
    bob = window(demo.token("room:past", sub="bob"))
    entered(bob, "room:past")
    expect(bob.locator("#log .old .body")).to_have_text([f"message {n}" for n in range(3)])


def test_a_killed_server_costs_no_message_and_doubles_none(demo: Project, window: Open) -> None:
    pages = [window(demo.token("room:kill", sub=f"user{number}")) for number in range(4)]
    for page in pages:
        entered(page, "room:kill")
    say(pages[0], "before")
    demo.container("ws", 1).kill()
    lost = [page for page in pages if page.locator("#state").get_attribute("data-state") != "open"]
    speaker = next((page for page in pages if page not in lost), pages[-1])
    expect(speaker.locator("#state-text")).to_have_text("Connected")
    for number in range(5):
        say(speaker, f"during {number}")
    demo.stack("up")
    say(speaker, "after")
    wanted = ["before", *(f"during {number}" for number in range(5)), "after"]
    for page in pages:
        expect(page.locator("#log .body")).to_have_text(wanted)
        assert offsets(page) == list(range(1, 8))
    notes = [note for page in pages for note in page.locator("#log .note").all_inner_texts()]
    assert any(note.startswith("Connection lost. The connection broke.") for note in notes)
    assert "Nothing was missed." in notes


def test_the_token_is_replaced_while_the_page_is_open(demo: Project, window: Open) -> None:
    page = window(demo.token("room:token", ttl="8s"))  # longer than a busy machine takes to open it
    entered(page, "room:token")
    client = page.locator("#fact-client").inner_text()
    expect(page.locator("#problem")).to_contain_text("The token ends")
    page.fill("#token", demo.token("room:token", ttl="1h"))
    page.get_by_role("button", name="Use this token").click()
    expect(page.locator("#problem")).to_be_hidden()
    expect(page.locator("#fact-expiry")).to_contain_text(re.compile(r"in (59 min|60 min|1 h)"))
    say(page, "still here")
    assert page.locator("#fact-client").inner_text() == client


# Runs inside a replica's container, where the key is a file and the port of the API is open.
PUBLISH = """
import json, os, pathlib, urllib.request
key = pathlib.Path(os.environ["WS_API_KEY_FILE"]).read_text().strip()
body = json.dumps({"channel": "room:events", "data": "from HTTP"}).encode()
url = f"http://{os.environ['WS_API_HOST']}:{os.environ['WS_API_PORT']}/api/publish"
urllib.request.urlopen(urllib.request.Request(url, body, {"X-API-Key": key}), timeout=10)
"""
SQL = "SELECT realtime.publish('room:events', '{\"paid\": true}')"


def test_events_from_sql_and_from_http_arrive(demo: Project, window: Open) -> None:
    page = window(demo.token("room:events"))
    entered(page, "room:events")
    database = demo.container("postgres")
    name = database.attrs["Config"]["Env"]
    (database_name,) = [row.partition("=")[2] for row in name if row.startswith("POSTGRES_DB=")]
    done = database.exec_run(["psql", "-U", "postgres", "-d", database_name, "-c", SQL])
    assert done.exit_code == 0, done.output
    expect(page.locator("#log .body")).to_have_text([re.compile(r'"paid": true')])
    done = demo.container("ws").exec_run(["/opt/ws/bin/python", "-c", PUBLISH])
    assert done.exit_code == 0, done.output
    expect(page.locator("#log .body")).to_have_count(2)
    assert bodies(page)[1] == "from HTTP"
    assert page.locator("#log .by").all_inner_texts()[1].startswith("server")
