"""Contacts, as people use them: written, found, grouped, brought in; with and without script."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from tests.support.installation import Installation
from tests.support.watching import Watched, opened

PEOPLE = ("alice@tagus.test", "bob@tagus.test")
ALICE = PEOPLE[0]
CARDS = "".join(
    f"BEGIN:VCARD\r\nVERSION:3.0\r\nUID:{n}\r\nFN:Sailor {n:02} of the very long name {'Ahoy ' * n}"
    f"\r\nORG:Quay\r\nEMAIL:sailor{n}@quay.invalid\r\nCATEGORIES:Crew\r\nEND:VCARD\r\n"
    for n in range(12)
)


@pytest.fixture
def seen(service: Installation, chromium: Browser) -> Iterator[Watched]:
    base = f"https://localhost:{service.ports['WEB']}"
    with opened(chromium, base, as_whom=ALICE) as watched:
        yield watched


def test_it_writes_and_says_what_is_wrong(seen: Watched) -> None:
    page = seen.page
    seen.go("/mail/inbox/")
    page.click("#side a:has-text('Contacts')")
    expect(page.locator("h1")).to_have_text("Contacts")
    expect(page.locator("#side [aria-current=page]")).to_have_text("Contacts")
    seen.look()
    page.set_viewport_size({"width": 1440, "height": 900})
    page.click("text=New contact")
    page.fill("#name", "Ann Älpha")
    page.fill("#company", "Quay & Sons")
    page.locator("[name=email]").nth(0).fill("not an address@")
    page.locator("[name=email]").nth(0).evaluate("box => { box.type = 'text'; }")
    page.click("text=Save")
    expect(page.locator("[role=alert]")).to_contain_text("is not a mail address")
    assert "422" in seen.complaints.pop()  # the browser notes the refusal
    seen.look()
    page.set_viewport_size({"width": 1440, "height": 900})
    page.locator("[name=email]").nth(0).fill("ann@quay.invalid")
    page.locator("[name=email_kind]").nth(0).select_option("work")
    page.locator("[name=phone]").nth(0).fill("+49 30 1")
    page.click("text=Save")
    expect(page.locator("main .link-strong")).to_have_text("Ann Älpha")
    seen.check()


@pytest.mark.long
def test_it_brings_groups_and_deletes(seen: Watched, tmp_path: Path) -> None:
    page = seen.page
    seen.go("/mail/contacts/new/")
    page.fill("#name", "Bea Beta")
    page.click("text=Save")
    # A file of another program, with a group.
    page.click("text=Import or export")
    expect(page.locator("#file")).to_be_visible()
    seen.look()
    page.set_viewport_size({"width": 1440, "height": 900})
    file = tmp_path / "cards.vcf"
    file.write_text(CARDS)
    page.set_input_files("#file", file)
    page.click("main button:has-text('Import')")
    expect(page.locator("main .link-strong", has_text="Sailor")).to_have_count(12)
    seen.look()
    page.set_viewport_size({"width": 1440, "height": 900})
    page.fill("main [name=q]", "beta")
    page.keyboard.press("Enter")
    expect(page.locator("main .link-strong")).to_have_count(1)
    # Into the group, by the form below the list.
    page.check("main [name=contact]")
    page.select_option("#do", label="Put into “Crew”")
    page.click("text=Do it")
    expect(page.locator(".toast", has_text="is in the group")).to_be_visible()
    page.click("nav[aria-label=Groups] a:has-text('Crew')")
    expect(page.locator("main .link-strong")).to_have_count(13)
    seen.look()
    page.set_viewport_size({"width": 1440, "height": 900})
    page.click("main a:has-text('Bea Beta')")
    expect(page.locator("#name")).to_have_value("Bea Beta")
    seen.look()
    page.set_viewport_size({"width": 1440, "height": 900})
    with page.expect_download() as download:
        page.click("a[download]")
    assert "FN:Bea Beta" in Path(download.value.path()).read_text()
    page.click("main button:has-text('Delete')")
    expect(page.locator("h1")).to_have_text("Delete this contact?")
    seen.look()
    page.set_viewport_size({"width": 1440, "height": 900})
    page.click("main .btn--danger")
    expect(page.locator("main .link-strong", has_text="Sailor")).to_have_count(12)
    expect(page.locator("main .link-strong", has_text="Bea Beta")).to_have_count(0)
    seen.check()


@pytest.mark.long
def test_people_one_wrote_to_are_looked_at_and_groups_made(seen: Watched) -> None:
    page = seen.page
    seen.go("/mail/contacts/collected/")
    expect(page.locator("h1")).to_have_text("People you wrote to")
    seen.look()
    page.set_viewport_size({"width": 1440, "height": 900})
    seen.go("/mail/contacts/groups/new/")
    page.fill("#name", "Friends of the sea")
    seen.look()
    page.set_viewport_size({"width": 1440, "height": 900})
    page.click("text=Make the group")
    expect(page.locator("h1")).to_have_text("Friends of the sea")
    seen.look()
    page.set_viewport_size({"width": 1440, "height": 900})
    page.click("text=Delete the group")
    expect(page.locator("main .btn--danger")).to_be_visible()
    seen.look()
    page.set_viewport_size({"width": 1440, "height": 900})
    page.click("main .btn--danger")
    expect(page.locator("h1")).to_have_text("Contacts")
    seen.check()


def test_it_works_without_script(service: Installation, chromium: Browser) -> None:
    base = f"https://localhost:{service.ports['WEB']}"
    with opened(chromium, base, as_whom=ALICE, java_script_enabled=False) as watched:
        page = watched.page
        watched.go("/mail/contacts/new/")
        page.fill("#name", "Zed Plain")
        page.click("text=Save")
        expect(page.locator("main a:has-text('Zed Plain')")).to_be_visible()
        page.locator("li", has_text="Zed Plain").locator("[name=contact]").check()
        page.select_option("#do", "delete")
        page.click("text=Do it")
        page.click("main .btn--danger")
        expect(page.locator("main a:has-text('Zed Plain')")).to_have_count(0)
