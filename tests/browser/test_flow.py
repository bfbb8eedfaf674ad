"""Where is my mail? An administrator finds messages in the trace, in the queue and in the
quarantine, acts on them, and reads the figures; a reader asks the webmail."""

import re
from collections.abc import Iterator
from email.message import EmailMessage
from typing import Final

import pytest
from playwright.sync_api import Browser, Locator, expect

from tests.browser.administering import at_work, base_of, look_long, said, tab_to, take_back
from tests.browser.conftest import moved_in
from tests.support.installation import PASSWORD, Installation
from tests.support.watching import Watched, opened

ADMIN, READER, WRITER = "alice@drau.test", "bob@drau.test", "carol@drau.test"
OPERATOR = "olga@drau.test"
PEOPLE = (ADMIN, READER, WRITER, OPERATOR)
LAMPS, WALK, DISK = "Lamps for the hall", "A walk on Sunday", "Papers on a disk"
KEPT_TEXT: Final = "The okapi has signed them"
FAR: Final = ("dora@far.test", "emil@farther.test")  # nobody tells where they are
SECONDS = 60
WAITS: Final = re.compile("Deferred|Sending")  # it is tried now and then, and nobody answers
# What else comes to be every minute.
COUNT = "from apps.trace.tasks import roll; roll()"


@pytest.fixture(scope="module")
def service(house: Installation) -> Installation:
    """Two letters that came, one of which moved on; one that is kept; two that wait."""
    service = moved_in(house, PEOPLE)
    service.manage("role", "grant", ADMIN, "domain_admin", "--domain", "drau.test")
    service.manage("role", "grant", OPERATOR, "operator")
    service.manage("attachments", "set", "drau.test", "ending", "iso", "quarantine")
    with service.smtp() as client:
        client.send_message(letter("shop@lamps.test", READER, LAMPS))
        client.send_message(letter("walker@hills.test", READER, WALK))
        kept = letter("office@papers.test", READER, DISK, KEPT_TEXT)
        kept.add_attachment(b"\0" * 64, "application", "octet-stream", filename="papers.iso")
        client.send_message(kept)
    with service.smtp("SUBMISSIONS") as client:
        client.login(WRITER, PASSWORD)
        for one in FAR:
            client.send_message(letter(WRITER, one, "Where are you?"))
    service.wait_for(lambda: len(service.inbox(READER)) == 2, SECONDS, "no mail came", pause=0.2)
    with service.imap(READER) as client:
        client.select_folder("INBOX")
        client.move(client.search(["SUBJECT", WALK]), "Archive")
    return service


@pytest.fixture
def alice(service: Installation, chromium: Browser) -> Iterator[Watched]:
    with at_work(service, chromium, ADMIN) as seen:
        yield seen


def letter(sender: str, to: str, subject: str, text: str = "As we said.") -> EmailMessage:
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = sender, to, subject
    message.set_content(text)
    return message


def search(seen: Watched, text: str) -> Locator:
    """The rows of the trace that are found by it."""
    seen.page.click("nav >> text=Message trace")
    seen.page.fill("[name=text]", text)
    seen.page.press("[name=text]", "Enter")
    seen.page.wait_for_url("**/admin/trace/?*text=*")
    return seen.page.locator("table.traces tbody tr")


def open_trace(seen: Watched, text: str) -> Locator:
    """The page of the one message that is found by it; the line on top of it."""
    rows = search(seen, text)
    expect(rows).to_have_count(1)
    rows.locator("a").click()
    return seen.page.locator(".trace-cause")


def waiting(seen: Watched, to: str) -> Locator:
    """The row of what waits for somebody, in the queue."""
    seen.page.click("nav >> text=Queue")
    return seen.page.locator("[aria-label=Messages] tbody tr", has_text=to)


def test_a_message_is_found_and_its_way_is_read(alice: Watched) -> None:
    page = alice.page
    rows = search(alice, "shop@lamps.test")
    expect(rows).to_have_count(1)
    for words in (LAMPS, READER, "Delivered"):
        expect(rows).to_contain_text(words)
    alice.look()

    tab_to(alice, "Days and score")
    page.keyboard.press("Enter")
    expect(page.locator("[name=since]")).to_be_visible()
    rows.locator("a").focus()
    page.keyboard.press("Enter")

    expect(page.locator("h1")).to_have_text(LAMPS)
    expect(page.locator(".trace-cause")).to_have_text("Delivered to Inbox")
    expect(page.locator(".timeline")).to_contain_text("Received by SMTP")
    tab_to(alice, "SMTP transcript")
    page.keyboard.press("Enter")
    transcript = page.locator(".transcript").first
    expect(transcript).to_contain_text("lamps.test")
    expect(transcript).to_contain_text("354")
    assert "As we said" not in page.content()  # the message itself is nobody's but its reader's
    alice.look()


def test_what_a_mail_program_did_is_the_line_on_top(alice: Watched) -> None:
    expect(open_trace(alice, "walker@hills.test")).to_contain_text(
        "Moved to Archive by a mail program"
    )
    look_long(alice)


def test_what_is_not_there_is_not_found(alice: Watched) -> None:
    expect(search(alice, "shop@elsewhere.test")).to_have_count(0)
    expect(alice.page.locator(".empty")).to_contain_text("No message like that")
    look_long(alice)
    page = alice.page.request.get(f"{alice.base}/admin/trace/?text=weser.test").text()
    assert "No message like that" in page  # who lives next door is nobody here


def test_a_kept_message_is_looked_into_and_let_go(service: Installation, alice: Watched) -> None:
    page = alice.page
    page.click("nav >> text=Quarantine")
    expect(page.locator("table.kept tbody tr")).to_have_count(1)
    alice.look()
    page.click(f"table >> text={DISK}")
    expect(page.locator("h1")).to_have_text(DISK)
    expect(page.locator("main")).to_contain_text("papers.iso")
    expect(page.locator("main")).not_to_contain_text(KEPT_TEXT)
    alice.look()
    tab_to(alice, "Look into it")
    page.keyboard.press("Enter")
    expect(page.locator("main")).to_contain_text(KEPT_TEXT)
    alice.look()

    page.click("button >> text=Release once")
    said(alice, "It is released")
    expect(page.locator("main")).to_contain_text("Nothing is kept")
    look_long(alice)
    has_come = lambda: [raw for raw in service.inbox(READER) if DISK.encode() in raw]  # noqa: E731
    service.wait_for(has_come, SECONDS, "it does not come", pause=0.2)
    expect(open_trace(alice, "office@papers.test")).to_contain_text(
        "Released from quarantine by an administrator"
    )
    page.click("nav >> text=Audit log")
    for words in ("looked into", "released"):
        expect(page.locator("main")).to_contain_text(f"{words} held mail for {READER}")


def test_what_waits_is_held_by_a_keyboard_and_let_go(alice: Watched) -> None:
    page, row = alice.page, waiting(alice, FAR[0])
    expect(row).to_contain_text(WAITS)
    alice.look()
    box = row.locator("[name=id]").get_attribute("aria-label")
    assert box is not None
    tab_to(alice, box)
    page.keyboard.press("Space")
    expect(page.locator(".bulkbar")).to_contain_text("1 selected")
    alice.look()
    tab_to(alice, "Hold", most=200)
    page.keyboard.press("Enter")
    said(alice, "1 message is held")
    expect(row).to_contain_text("Held")
    tab_to(alice, "Undo", most=3)
    page.keyboard.press("Enter")
    said(alice, "back where it was")
    expect(row).not_to_contain_text("Held")


def test_what_is_deleted_is_back_by_undo(alice: Watched) -> None:
    page = alice.page
    waiting(alice, FAR[1]).locator("a").click()
    expect(page.locator("h1")).to_have_text("Message in queue")
    expect(page.locator("main")).to_contain_text(WRITER)
    alice.look()
    page.click("main >> button >> text=Delete")
    said(alice, "1 message will be deleted")
    expect(page.locator("main")).to_contain_text("Until then that can be taken back")
    look_long(alice)
    take_back(alice, "1 message will be deleted")
    expect(waiting(alice, FAR[1])).to_contain_text(WAITS)
    assert open_trace(alice, FAR[1]).inner_text().startswith(("Not sent yet", "Waits"))


def test_figures_are_there(service: Installation, alice: Watched) -> None:
    service.manage("shell", "-v0", "-c", COUNT)
    page = alice.page
    alice.go("/admin/?period=1h")
    received = page.locator(".stat", has_text="Received").locator(".stat__v")
    expect(received).to_have_text("3")
    expect(page.locator("#flow-table")).to_be_attached()
    alice.look()
    page.locator("#flow-table summary").focus()
    page.keyboard.press("Enter")
    expect(page.locator("#flow-table table")).to_be_visible()
    look_long(alice)


def test_an_operator_sees_how_every_part_is(service: Installation, chromium: Browser) -> None:
    with at_work(service, chromium, OPERATOR) as seen:
        page = seen.page
        page.click("nav >> text=Health")
        expect(page.locator("h1")).to_have_text("Health")
        for words in ("IMAP", "Disk"):
            expect(page.locator("main")).to_contain_text(words)
        seen.look()
        tab_to(seen, "Look again")
        page.keyboard.press("Enter")
        expect(page.locator("h1")).to_have_text("Health")


def test_a_reader_asks_what_happened(service: Installation, chromium: Browser) -> None:
    with opened(chromium, base_of(service), as_whom=READER, reduced_motion="reduce") as seen:
        page = seen.page
        seen.go("/mail/archive/")
        page.locator("a.conv__subj", has_text=WALK).click()
        menu = page.locator(".menu", has=page.get_by_label("More on this message"))
        menu.locator("summary").click()
        menu.get_by_text("What happened to it").click()
        expect(page.locator("h1")).to_have_text("What happened to this message")
        told = page.locator(".happened")
        expect(told).to_contain_text("Filed in Inbox")
        expect(told).to_contain_text("Archive")
        seen.look()


def test_without_script(service: Installation, chromium: Browser) -> None:
    with at_work(service, chromium, ADMIN, java_script_enabled=False) as seen:
        page = seen.page
        expect(open_trace(seen, "shop@lamps.test")).to_contain_text("Delivered")
        page.locator("summary", has_text="SMTP transcript").click()
        expect(page.locator(".transcript").first).to_contain_text("354")
        row = waiting(seen, FAR[0])
        row.locator("[name=id]").check()
        page.click(".bulkbar >> text=Hold")
        expect(row).to_contain_text("Held")
        take_back(seen, "1 message is held")
        expect(row).not_to_contain_text("Held")
        page.click("nav >> text=Quarantine")
        expect(page.locator("h1")).to_have_text("Quarantine")
        page.click("nav >> text=Dashboard")
        expect(page.locator("#flow")).to_have_text("Mail flow")
