"""The page always says what to do now: by the loud button, by reasons, by commands that work."""

import shlex
import time
from typing import Literal

import jwt
import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.conftest import Open, entered, say
from tests.integration.projects import STACK, Project

Scheme = Literal["light", "dark"]
WRONG = "x" * 43  # as long as the signature of a token


def loud(page: Page) -> Locator:
    return page.locator("button.primary:visible")


def copied(page: Page) -> str:
    """Give the command that the problem names."""
    return page.locator("#problem code").inner_text()


def ended(token: str) -> str:
    """Give a token when its time is over: a page that is quicker says that the token ends."""
    claims = jwt.decode(token, options={"verify_signature": False, "verify_exp": False})
    while time.time() <= claims["exp"]:
        time.sleep(0.1)
    return token


def minted(demo: Project, command: str) -> str:
    """Run a command that the page gave, as somebody who pastes it, and give what it prints."""
    program, *arguments = shlex.split(command)
    assert program == ".venv/bin/stack"  # where `make up` of a checkout puts it
    assert STACK.name == "stack"
    return demo.stack(*arguments).strip()


def test_the_loud_button_is_the_next_step(demo: Project, window: Open) -> None:
    page = window("")
    expect(loud(page)).to_have_text(["Connect"])
    page.fill("#token", demo.token("room:*"))
    loud(page).click()
    expect(loud(page)).to_have_text(["Subscribe"])
    loud(page).click()
    entered(page, "room:1")
    expect(loud(page)).to_have_text(["Send"])
    page.click("#toggle")
    expect(loud(page)).to_have_text(["Subscribe"])
    page.get_by_role("button", name="Sign out").click()
    expect(loud(page)).to_have_text(["Connect"])


def test_a_button_that_is_off_says_why(demo: Project, window: Open) -> None:
    page = window("")
    for name in ("toggle", "send"):
        button = page.locator(f"#{name}")
        expect(button).to_be_disabled()
        expect(button).to_have_accessible_description("Sign in first: step 1.")
        expect(page.locator(f"#{name}-why")).to_be_visible()
        assert button.get_attribute("title") == "Sign in first: step 1."
        button.focus()  # by the keyboard, too, or nobody would hear the reason
        expect(button).to_be_focused()
    page.fill("#token", demo.token("room:*"))
    page.click("#connect")
    expect(page.locator("#send")).to_have_accessible_description("Subscribe first: step 2.")
    expect(page.locator("#toggle-why")).to_be_hidden()
    page.fill("#message", "too early")
    page.press("#message", "Enter")
    expect(page.locator("#message")).to_have_value("too early")
    page.click("#toggle")
    expect(page.locator("#send")).to_be_enabled()
    expect(page.locator("#send-why")).to_be_hidden()


def test_the_empty_text_says_what_to_do_now(demo: Project, window: Open) -> None:
    alice = window("")
    now = alice.locator("#empty")
    expect(now).to_contain_text("open one of the two addresses that “make up” prints")
    alice.fill("#token", demo.token("room:now"))
    alice.click("#connect")
    expect(now).to_contain_text("Nobody else is in room:now.")
    expect(now).to_contain_text("for bob in a second window")
    bob = window(demo.token("room:now", sub="bob"))
    expect(now).to_have_text("bob is here. Write something and press Send.")
    expect(bob.locator("#empty")).to_have_text("alice is here. Write something and press Send.")
    say(alice, "Hello")
    expect(now).to_have_text("")
    bob.context.close()
    expect(now).to_contain_text("Nobody else is in room:now.")


def test_a_wildcard_is_not_entered_but_offered(demo: Project, window: Open) -> None:
    page = window(demo.token("orders:*"))
    expect(page.locator("#channel")).to_have_value("orders:1")
    expect(page.locator("#empty")).to_have_text(
        "Press Subscribe to see who is there and what is said."
    )
    expect(page.locator("#signed-in")).to_contain_text("The token opens orders:*.")


def test_an_expired_token_is_replaced_by_the_command_that_is_shown(
    demo: Project, window: Open
) -> None:
    page = window(ended(demo.token("room:old", sub="al ice", ttl="1s")))
    expect(page.locator("#problem")).to_contain_text("The token has expired.")
    expect(page.locator("#fact-expiry")).to_contain_text("expired")
    expect(loud(page)).to_have_text(["Use this token"])
    assert copied(page) == ".venv/bin/stack token --sub 'al ice' --channel room:old"
    page.fill("#token", minted(demo, copied(page)))
    loud(page).click()
    entered(page, "room:old")
    expect(page.locator("#problem")).to_be_hidden()


def test_a_token_of_another_secret_is_replaced_by_the_command_that_is_shown(
    demo: Project, window: Open
) -> None:
    page = window(f"{demo.token('room:1').rpartition('.')[0]}.{WRONG}")
    expect(page.locator("#problem")).to_contain_text("The server does not accept the token.")
    expect(page.locator("#state-text")).to_have_text("Not connected")
    page.fill("#token", minted(demo, copied(page)))
    loud(page).click()
    entered(page, "room:1")


def test_what_the_token_does_not_name_is_refused_with_the_command(
    demo: Project, window: Open
) -> None:
    page = window(demo.token("room:*"))
    page.fill("#channel", "orders:42")
    page.click("#toggle")
    note = page.locator("#log .note").last
    expect(note).to_contain_text("Not subscribed to orders:42: the token does not allow it.")
    page.get_by_role("button", name="Sign out").click()
    page.fill("#token", minted(demo, page.locator("#log .note code").inner_text()))
    page.click("#connect")
    entered(page, "orders:42")


def test_a_server_that_is_away_is_named_with_what_starts_it(demo: Project, window: Open) -> None:
    page = window(demo.token("room:away"))
    entered(page, "room:away")
    for container in demo.containers("ws"):
        container.stop(timeout=10)
    other = window(demo.token("room:away", sub="bob"))
    for each in (page, other):
        expect(each.locator("#problem")).to_contain_text("The server does not answer.")
        assert copied(each) == "make up"
        expect(each.locator("#send")).to_have_accessible_description("Waiting for the connection.")
    demo.stack("up")  # what `make up` does
    for each in (page, other):
        expect(each.locator("#problem")).to_be_hidden()
        expect(each.locator("#send")).to_be_enabled()
    say(other, "back")
    expect(page.locator("#log .body")).to_have_text(["back"])


@pytest.mark.parametrize(("width", "height"), [(360, 740), (1280, 800)])
def test_the_end_of_the_log_and_the_button_stay_in_sight(
    demo: Project, window: Open, width: int, height: int
) -> None:
    room = f"room:long{width}"
    alice = window(demo.token(room))
    entered(alice, room)
    for number in range(12):
        say(alice, f"message {number}")
    bob = window("")
    bob.set_viewport_size({"width": width, "height": height})
    bob.fill("#token", demo.token(room, sub="bob"))
    bob.click("#connect")
    expect(bob.locator("#log .body").last).to_be_in_viewport()
    expect(bob.locator("#send")).to_be_in_viewport(ratio=1)
    alice.context.close()  # what to do now takes room from the log
    expect(bob.locator("#log .note").last).to_have_text("alice left.")
    expect(bob.locator("#log .note").last).to_be_in_viewport()


def test_the_page_works_by_keyboard_alone(demo: Project, window: Open) -> None:
    page = window("")
    page.keyboard.press("Tab")
    expect(page.get_by_role("button", name="Copy")).to_be_focused()
    page.keyboard.press("Tab")
    expect(page.get_by_label("Address or token")).to_be_focused()
    page.keyboard.press("Enter")  # nothing is there yet, and the field says so
    message = page.get_by_label("Address or token").evaluate("field => field.validationMessage")
    assert message == "Paste an address that “make up” printed, or a token."
    page.keyboard.insert_text(demo.token("room:keys"))
    page.keyboard.press("Enter")
    expect(page.get_by_label("Message", exact=True)).to_be_focused()
    page.keyboard.type("typed")
    page.keyboard.press("Enter")
    expect(page.get_by_role("log").locator(".body")).to_have_text(["typed"])
    page.keyboard.press("Tab")
    expect(page.get_by_role("button", name="Send")).to_be_focused()


def test_a_screen_reader_finds_everything_by_its_name(demo: Project, window: Open) -> None:
    page = window(demo.token("room:names"))
    entered(page, "room:names")
    for name in ("Sign in", "Choose a channel", "Talk", "Connection"):
        expect(page.get_by_role("region", name=name)).to_be_visible()
    expect(page.get_by_role("list", name="Who is here")).to_contain_text("alice (you)")
    expect(page.get_by_role("log", name="What arrived")).to_contain_text(
        "Subscribed to room:names."
    )
    expect(page.get_by_role("status").first).to_have_text("Connected")
    expect(page.get_by_role("button", name="Unsubscribe")).to_be_enabled()
    assert page.title() == "alice · stack"


@pytest.mark.parametrize("width", [360, 1280])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_nothing_is_wider_than_the_window(
    demo: Project, window: Open, scheme: Scheme, width: int
) -> None:
    out, talking = window(""), window(demo.token("room:wide", sub="a" * 60))
    refused = window(f"{demo.token('room:wide').rpartition('.')[0]}.{WRONG}")
    entered(talking, "room:wide")
    say(talking, "w" * 300)
    reader = window(demo.token("room:wide"))  # who sees the long name beside the message
    expect(reader.locator("#log .body").last).to_be_visible()
    expect(refused.locator("#problem")).to_be_visible()
    for page in (out, talking, reader, refused):
        page.emulate_media(color_scheme=scheme)
        page.set_viewport_size({"width": width, "height": 740})
        assert page.evaluate("document.documentElement.scrollWidth") <= width
