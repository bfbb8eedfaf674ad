"""Recipients in a real browser: typed, offered, pasted, walked through, changed and taken away."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from tests.browser.writing import composer, new
from tests.support.installation import Installation
from tests.support.watching import Watched, opened

PEOPLE = ("alice@tyne.test", "bob@tyne.test")
ALICE = PEOPLE[0]


@pytest.fixture
def watched(service: Installation, chromium: Browser) -> Iterator[Watched]:
    base = f"https://localhost:{service.ports['WEB']}"
    with opened(
        chromium, base, as_whom=ALICE, permissions=["clipboard-read", "clipboard-write"]
    ) as seen:
        seen.go("/mail/inbox/")
        new(seen.page)
        yield seen


def row(page: Page, name: str = "to") -> Locator:
    return composer(page).locator(f"[data-people={name}]")


def chips(page: Page, name: str = "to") -> Locator:
    return row(page, name).locator(".to-chip")


def field(page: Page, name: str = "to") -> str:
    """What would be sent."""
    value = composer(page).locator(f"textarea[name={name}]").input_value()
    assert isinstance(value, str)
    return value


def paste(page: Page, text: str) -> None:
    page.evaluate("text => navigator.clipboard.writeText(text)", text)
    page.keyboard.press("Control+v")


def test_names_are_offered_and_taken_by_keyboard(watched: Watched) -> None:
    page = watched.page
    entry = row(page).get_by_role("combobox")
    expect(entry).to_be_focused()
    page.keyboard.type("bob")
    options = row(page).get_by_role("option")
    expect(options).to_have_count(1)
    expect(options).to_have_attribute("aria-selected", "true")
    expect(entry).to_have_attribute("aria-expanded", "true")
    watched.look()
    page.keyboard.press("Enter")
    expect(chips(page)).to_have_text("Bbob@tyne.test")
    expect(entry).to_be_focused()
    expect(entry).to_have_attribute("aria-expanded", "false")
    assert field(page) == "bob@tyne.test"
    # Who stands here already is not offered again, and Escape closes the list alone.
    page.keyboard.type("tyne")
    expect(options.filter(has_text="alice@")).to_have_count(1)
    expect(options.filter(has_text="bob@")).to_have_count(0)
    page.keyboard.press("Escape")
    expect(options).to_have_count(0)
    expect(composer(page)).to_be_visible()
    # Nothing is lost that is half typed.
    assert field(page) == "bob@tyne.test, tyne"


def test_what_is_typed_becomes_recipients(watched: Watched) -> None:
    page = watched.page
    page.keyboard.type("carol@example.net,")
    page.keyboard.type('"Silva, Tomás" <tomas@example.net>;')
    page.keyboard.type("nobody")
    page.keyboard.press("Enter")
    expect(chips(page)).to_have_count(3)
    expect(chips(page).nth(1)).to_contain_text("Silva, Tomás")
    odd = row(page).locator(".to-chip--warn")
    expect(odd.get_by_role("button", name="nobody is no address")).to_be_visible()
    expect(odd).to_have_count(1)
    assert field(page) == 'carol@example.net, "Silva, Tomás" <tomas@example.net>, nobody'
    # The same again is one.
    page.keyboard.type("CAROL@example.net,")
    expect(chips(page)).to_have_count(3)
    watched.look()
    # Enter without a word goes on to the subject.
    row(page).get_by_role("combobox").focus()
    page.keyboard.press("Enter")
    expect(composer(page).locator("[name=subject]")).to_be_focused()


@pytest.mark.long
def test_lists_of_other_programs_are_pasted(watched: Watched) -> None:
    page = watched.page
    paste(page, "Silva, Tomas <t@example.net>; Müller, Hans <hans@example.net>")
    expect(chips(page)).to_have_count(2)
    assert field(page) == '"Silva, Tomas" <t@example.net>, "Müller, Hans" <hans@example.net>'
    paste(page, "one@example.net\r\ntwo@example.net\tthree@example.net")
    expect(chips(page)).to_have_count(5)
    paste(page, "Team: four@example.net, five@example.net;")
    expect(chips(page)).to_have_count(7)
    # A word is only a word: it may be the beginning of a name.
    paste(page, "hans")
    expect(chips(page)).to_have_count(7)
    expect(row(page).get_by_role("combobox")).to_have_value("hans")
    # A name that claims to be another address does not hide where the letter goes.
    page.keyboard.press("Control+a")
    paste(page, '"ceo@bank.example" <mallory@evil.invalid>, last@example.net')
    expect(chips(page).nth(7)).to_contain_text("mallory@evil.invalid")
    # Many are slow for nobody.
    paste(page, ", ".join(f"p{number}@example.net" for number in range(500)))
    expect(chips(page)).to_have_count(509)
    watched.check()


@pytest.mark.long
def test_chips_are_walked_changed_and_removed_by_keyboard(watched: Watched) -> None:
    page = watched.page
    entry = row(page).get_by_role("combobox")
    page.keyboard.type("one@example.net,two@example.net,three@example.net,")
    expect(chips(page)).to_have_count(3)
    page.keyboard.press("Backspace")  # the first press only goes there
    expect(chips(page)).to_have_count(3)
    expect(chips(page).nth(2).locator(".to-chip__name")).to_be_focused()
    page.keyboard.press("ArrowLeft")
    expect(chips(page).nth(1).locator(".to-chip__name")).to_be_focused()
    watched.look()
    page.keyboard.press("Enter")
    expect(entry).to_have_value("two@example.net")
    page.keyboard.type("Second <2@example.net>")
    page.keyboard.press("Enter")
    assert field(page) == "one@example.net, Second <2@example.net>, three@example.net"
    expect(entry).to_be_focused()
    # Cut here, pasted there.
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("Control+x")
    expect(chips(page)).to_have_count(2)
    composer(page).get_by_role("button", name="Cc", exact=True).click()
    expect(row(page, "cc").get_by_role("combobox")).to_be_focused()
    page.keyboard.press("Control+v")
    page.keyboard.press("Enter")
    expect(chips(page, "cc")).to_have_count(1)
    assert field(page, "cc") == "Second <2@example.net>"
    row(page).get_by_role("button", name="Remove one@example.net").click()
    assert field(page) == "three@example.net"
    expect(chips(page).locator(".to-chip__name")).to_be_focused()
    page.keyboard.press("Delete")
    assert field(page) == ""
    watched.check()


@pytest.mark.long
def test_a_chip_is_dragged_to_another_row(watched: Watched) -> None:
    page = watched.page
    page.keyboard.type("one@example.net,two@example.net,")
    composer(page).get_by_role("button", name="Bcc", exact=True).click()
    chips(page).first.drag_to(row(page, "bcc"))
    expect(chips(page, "bcc")).to_have_count(1)
    expect(chips(page)).to_have_count(1)
    assert field(page) == "two@example.net"
    assert field(page, "bcc") == "one@example.net"
    watched.check()


@pytest.mark.long
def test_recipients_come_back_with_their_draft(watched: Watched) -> None:
    page = watched.page
    page.keyboard.type('"Silva, Tomás" <tomas@example.net>,half')
    composer(page).get_by_role("button", name="Bcc", exact=True).click()
    page.keyboard.type("secret@example.net,")
    expect(composer(page).locator("[data-state]")).to_contain_text("Draft saved", timeout=15_000)
    url = composer(page).get_attribute("data-composer")
    watched.go(f"/mail/compose/{url}/")
    expect(chips(page)).to_have_count(2)
    expect(chips(page).first).to_contain_text("Silva, Tomás")
    expect(row(page, "cc")).to_be_hidden()
    expect(chips(page, "bcc")).to_contain_text("secret@example.net")
    watched.check()
