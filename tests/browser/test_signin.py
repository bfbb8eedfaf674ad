"""Signing in as people do: by keyboard alone, from two browsers, with steps that are due."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.support.installation import PASSWORD, Installation
from tests.support.watching import SIZES, Watched

PEOPLE = ("alice@tweed.test", "bob@tweed.test")
NEW = "another good sentence"


@pytest.fixture
def base(service: Installation) -> str:
    return f"https://localhost:{service.ports['WEB']}"


@contextmanager
def opened(chromium: Browser, base: str) -> Iterator[Watched]:
    """A browser with cookies of its own."""
    context = chromium.new_context(
        viewport={"width": SIZES[0][0], "height": SIZES[0][1]},
        ignore_https_errors=True,
        reduced_motion="reduce",
    )
    seen = Watched(context.new_page(), base)
    seen.page.on("pageerror", lambda error: seen.complaints.append(str(error)))
    yield seen
    context.close()


def press(page: Page, *keys: str) -> None:
    for key in keys:
        page.keyboard.press(key)


@pytest.mark.timeout(300)
def test_one_signs_in_by_keyboard_alone(chromium: Browser, base: str) -> None:
    with opened(chromium, base) as watched:
        page = watched.page
        watched.go("/mail/sent/")
        watched.look()
        page.keyboard.type("alice@tweed.test")  # the field has the focus
        press(page, "Tab")
        expect(page.get_by_role("link", name="Forgot it?")).to_be_focused()
        press(page, "Tab")
        page.keyboard.type("wrong")
        press(page, "Enter")
        expect(page.get_by_role("alert").first).to_contain_text("do not belong together")
        watched.look()
        expect(page.locator("[name=address]")).to_have_value("alice@tweed.test")
        expect(page.locator("[name=password]")).to_have_value("")
        press(page, "Tab", "Tab")
        page.keyboard.type(PASSWORD)
        press(page, "Tab", "Tab", "Space")  # past the eye, to "Keep me signed in"
        expect(page.locator("[name=kept]")).to_be_checked()
        press(page, "Tab", "Enter")
        page.wait_for_url("**/mail/sent/")
        kept = [one for one in page.context.cookies() if "session" in one["name"]]
        assert kept[0]["expires"] > 0


@pytest.mark.timeout(300)
def test_a_session_is_ended_from_another_browser(chromium: Browser, base: str) -> None:
    with opened(chromium, base) as desk, opened(chromium, base) as other:
        other.sign_in(PEOPLE[0])
        desk.sign_in(PEOPLE[0])
        desk.go("/settings/security/")
        here = desk.page.get_by_role("region", name="Where you are signed in")
        expect(here.get_by_text("This session")).to_have_count(1)
        desk.look()
        here.get_by_role("button", name="Sign out everywhere else").click()
        expect(desk.page.get_by_text("All other browsers are signed out.")).to_be_visible()
        expect(here.get_by_role("listitem")).to_have_count(1)
        other.go("/mail/sent/")
        other.page.wait_for_url("**/login/?next=/mail/sent/")
        expect(other.page.get_by_role("status").first).to_contain_text("its session has ended")
        other.look()
        other.page.fill("[name=address]", "alice@tweed.test")
        other.page.fill("[name=password]", PASSWORD)
        other.page.keyboard.press("Enter")
        other.page.wait_for_url("**/mail/sent/")


@pytest.mark.timeout(300)
def test_the_password_is_asked_again(chromium: Browser, base: str) -> None:
    with opened(chromium, base) as watched:
        watched.sign_in(PEOPLE[0])
        watched.go("/login/confirm/?next=/settings/security/")
        watched.look()
        watched.page.keyboard.type("wrong")
        press(watched.page, "Enter")
        expect(watched.page.get_by_text("This is not your password.")).to_be_visible()
        watched.look()
        watched.page.keyboard.type(PASSWORD)
        press(watched.page, "Enter")
        watched.page.wait_for_url("**/settings/security/")


@pytest.mark.long
@pytest.mark.timeout(300)
def test_a_password_of_somebody_else_is_changed_first(
    chromium: Browser, base: str, service: Installation
) -> None:
    words = ("user", "passwd", "bob@tweed.test", "--password-stdin", "--must-change")
    service.manage(*words, text=f"{PASSWORD}\n")
    with opened(chromium, base) as watched:
        page = watched.page
        watched.go("/login/")
        page.fill("[name=address]", "bob@tweed.test")
        page.fill("[name=password]", PASSWORD)
        page.keyboard.press("Enter")
        page.wait_for_url("**/settings/password/")
        watched.go("/mail/inbox/")
        page.wait_for_url("**/settings/password/")
        watched.look()
        page.fill("[name=current]", PASSWORD)
        page.fill("[name=new]", NEW)
        page.fill("[name=again]", NEW)
        page.keyboard.press("Enter")
        page.wait_for_url("**/mail/**")
