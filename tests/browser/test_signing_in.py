"""A token in the address signs in, and is then nowhere but in this tab."""

import re

from playwright.sync_api import expect

from tests.browser.conftest import Open, entered, say
from tests.integration.projects import Project


def test_the_address_alone_signs_in_and_subscribes(demo: Project, window: Open) -> None:
    page = window(demo.token("room:link"))
    entered(page, "room:link")
    expect(page.locator("#signed-in")).to_contain_text("Signed in as alice.")
    expect(page.locator("#token")).to_be_hidden()
    say(page, "at once")


def test_the_token_leaves_the_address_and_the_history(demo: Project, window: Open) -> None:
    page = window(demo.token("room:1"))
    expect(page.locator("#state-text")).to_have_text("Connected")
    assert page.url == f"{demo.url}/"
    visited = page.evaluate("navigation.entries().map((entry) => entry.url)")
    assert f"{demo.url}/" in visited
    assert not [url for url in visited if "token" in url]


def test_the_token_reaches_no_log(demo: Project, window: Open) -> None:
    token = demo.token("room:1")
    page = window(token)
    requests: list[str] = []
    page.on("request", lambda request: requests.append(request.url))
    page.reload()
    entered(page, "room:1")
    signature = token.rpartition(".")[2]
    assert requests
    assert not [url for url in requests if signature in url]
    assert signature not in demo.stack("logs", "--tail", "1000")


def test_a_reload_stays_signed_in(demo: Project, window: Open) -> None:
    page = window(demo.token("room:reload"))
    entered(page, "room:reload")
    say(page, "before")
    page.reload()
    entered(page, "room:reload")
    expect(page.locator("#log .old .body")).to_have_text(["before"])


def test_who_signed_out_stays_out(demo: Project, window: Open) -> None:
    page = window(demo.token("room:out"))
    entered(page, "room:out")
    page.get_by_role("button", name="Sign out").click()
    expect(page.locator("#state-text")).to_have_text("Not connected")
    expect(page.locator("#token")).to_have_value("")
    page.reload()
    expect(page.locator("#state-text")).to_have_text("Not connected")
    assert page.evaluate("sessionStorage.length") == 0


def test_another_tab_does_not_know_the_token(demo: Project, window: Open) -> None:
    page = window(demo.token("room:1"))
    entered(page, "room:1")
    other = page.context.new_page()
    other.goto(f"{demo.url}/")
    expect(other.locator("#state-text")).to_have_text("Not connected")


def test_a_page_that_may_store_nothing_works(demo: Project, window: Open) -> None:
    page = window("")
    page.add_init_script(
        "Object.defineProperty(window, 'sessionStorage',"
        " { get() { throw new DOMException('denied', 'SecurityError'); } });"
    )
    page.reload()
    page.fill("#token", demo.token("room:store"))
    page.click("#connect")
    entered(page, "room:store")


def test_an_address_may_be_pasted_as_a_terminal_breaks_it(demo: Project, window: Open) -> None:
    page = window("")
    address = f"{demo.url}/#token={demo.token('room:paste')}"
    page.fill("#token", "\n".join(re.findall(".{1,80}", address)))
    page.click("#connect")
    entered(page, "room:paste")


def test_the_next_address_in_the_same_window_signs_in_anew(demo: Project, window: Open) -> None:
    page = window(demo.token("room:first"))
    entered(page, "room:first")
    page.goto(f"{demo.url}/#token={demo.token('room:second', sub='bob')}")
    entered(page, "room:second")
    expect(page.locator("#people li")).to_have_text(["bob (you)"])
    assert page.url == f"{demo.url}/"
