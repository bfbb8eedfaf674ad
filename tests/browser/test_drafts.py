"""Nothing that was typed is lost: two tabs, a closed one, a lost session, a server away."""

from pathlib import Path

import pytest
from playwright.sync_api import Browser, Route, expect

from tests.browser.writing import beside, composer, new, one, state, text_of, write
from tests.support.installation import PASSWORD, Installation, installation
from tests.support.watching import Watched, opened

PEOPLE = ALICE, BOB = ("alice@volga.test", "bob@volga.test")
LETTER = (
    b"From: Bob <bob@volga.test>\r\nSubject: Ferns\r\nMessage-ID: <ferns@volga.test>\r\n\r\nHi.\r\n"
)


def test_two_tabs_do_not_overwrite_each_other(service: Installation, watched: Watched) -> None:
    page = watched.page
    new(page)
    write(page, "Tabs", "From the first", BOB)
    state(page, "Draft saved")
    other = beside(watched)
    other.locator("[data-rich]").click()
    other.keyboard.press("Control+Home")
    other.keyboard.type("From the second. ")
    expect(composer(other).locator("[data-state]")).to_contain_text("Draft saved", timeout=15_000)
    expect(other.locator("[name=revision]")).not_to_have_value("1", timeout=15_000)
    composer(page).locator("[data-rich]").click()
    page.keyboard.press("Control+Home")
    page.keyboard.type("Still the first. ")
    bar = composer(page).locator("[data-bar]")
    expect(bar.get_by_role("button", name="Keep what is here")).to_be_visible(timeout=15_000)
    watched.check_accessibility()
    bar.get_by_role("button", name="Show the other one").click()
    expect(composer(page).locator("[data-rich]")).to_contain_text("From the second.")
    page.keyboard.press("Escape")
    other.close()


def test_a_closed_tab_loses_nothing(service: Installation, watched: Watched) -> None:
    page = watched.page
    new(page)
    write(page, "Closed", "Typed at the last moment", BOB)
    # Strokes are gathered for a quarter of a second.
    is_kept = "/last moment/.test(Object.values(localStorage).join())"
    service.wait_for(lambda: page.evaluate(is_kept), 15, "it is not kept")
    context = page.context
    page.close(run_before_unload=True)
    watched.page = context.new_page()
    watched.follow()
    watched.listen()
    watched.go("/mail/inbox/")
    draft = one(service, "Drafts", "Closed")
    assert "Typed at the last moment" in text_of(draft)


def test_a_lost_session_is_found_again_over_the_letter(
    service: Installation, watched: Watched
) -> None:
    page = watched.page
    new(page)
    write(page, "Signed out", "Before", BOB)
    state(page, "Draft saved")
    page.context.clear_cookies()
    page.keyboard.type(" and after")
    dialog = page.locator("dialog[open]")
    expect(dialog.locator("[name=address]")).to_have_value(ALICE, timeout=15_000)
    watched.check_accessibility()
    dialog.locator("[name=password]").fill(PASSWORD)
    page.keyboard.press("Enter")
    expect(dialog).to_have_count(0, timeout=15_000)
    state(page, "Draft saved")
    assert "Before and after" in text_of(one(service, "Drafts", "Signed out"))
    composer(page).locator("[data-compose=discard]").click()
    expect(page.locator(".composer")).to_have_count(0)


def test_it_survives_that_the_server_cannot_be_reached(
    service: Installation, watched: Watched
) -> None:
    page = watched.page

    def cut(route: Route) -> None:
        route.abort("connectionrefused")

    new(page)
    page.route("**/mail/compose/**", cut)
    write(page, "Away", "Kept here", BOB)
    state(page, "Offline, kept on this device")
    page.keyboard.press("Control+Enter")
    expect(composer(page).locator("[data-bar]")).to_contain_text("cannot be reached")
    page.unroute("**/mail/compose/**", cut)
    composer(page).locator("[data-bar]").get_by_role("button", name="Try again").click()
    expect(page.locator(".composer")).to_have_count(0, timeout=15_000)
    one(service, "Sent", "Away")


@pytest.mark.long
def test_a_killed_server_loses_nothing(tmp_path: Path, chromium: Browser) -> None:
    with installation(tmp_path) as running:
        running.add_people(ALICE, BOB)
        base = f"https://localhost:{running.ports['WEB']}"
        with opened(chromium, base, as_whom=ALICE) as seen:
            page = seen.page
            seen.go("/mail/inbox/")
            new(page)
            write(page, "Killed", "Before", BOB)
            state(page, "Draft saved")
            running.kill_everything()
            page.keyboard.type(" and while it was away")
            state(page, "Offline, kept on this device")
            running.start()
            state(page, "Draft saved")
            draft = one(running, "Drafts", "Killed")
            assert "Before and while it was away" in text_of(draft)


@pytest.mark.long
def test_its_saves_are_no_news_of_the_conversation(service: Installation, watched: Watched) -> None:
    page = watched.page
    with service.imap(ALICE) as client:
        client.append("INBOX", LETTER)
    watched.go("/mail/inbox/")
    page.locator("article.conv", has_text="Ferns").locator(".conv__subj").click()
    page.locator(".thread article.msg").wait_for()
    page.keyboard.press("r")
    expect(composer(page).locator("[data-rich]")).to_be_focused()
    for revision, words in enumerate(("First words", " and more"), 1):
        page.keyboard.type(words)
        saved = composer(page).locator("[name=revision]")
        expect(saved).to_have_value(str(revision), timeout=15_000)
    expect(page.locator(".live-more")).to_have_count(0)
    expect(page.locator(".thread article.msg")).to_have_count(1)
    page.keyboard.press("Escape")
    expect(page.locator(".thread article.msg[data-draft]")).to_have_count(1, timeout=15_000)
    watched.check()
