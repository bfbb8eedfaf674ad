"""What becomes of a letter: sent later, by whom, with what."""

import re
from email.message import EmailMessage

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from tests.browser.conftest import moved_in
from tests.browser.writing import (
    beside,
    composer,
    found,
    new,
    one,
    send_now,
    show,
    state,
    text_of,
    write,
)
from tests.support.installation import Installation
from tests.support.watching import Watched, opened

PEOPLE = ALICE, BOB, HASTY = ("alice@moldau.test", "bob@moldau.test", "hasty@moldau.test")
TEAM = "team@moldau.test"
SHOP = "alice+shop@moldau.test"
SETUP = """
from apps.directory.models import Kind, User
from apps.directory.services import delegations
from apps.provisioning import services
from apps.webmail.services import identities, preferences
from apps.webmail.services.identities import Wanted
alice = User.objects.get(key="alice@moldau.test")
team, _ = services.add_user("team@moldau.test", name="The team", kind=Kind.SHARED)
delegations.grant(owner=team, delegate=alice, send_as=True, send_on_behalf=False)
for address, name, text, is_default in (
    (alice.address, "Alice", "Alice at home", True),
    ("alice+shop@moldau.test", "Shop", "Alice sells", False),
    ("team@moldau.test", "The team", "All of us", False),
):
    identities.change(user=alice, address=address, wanted=Wanted(
        name=name, signature_html=f"<p>{text}</p>", signature_text=text, is_default=is_default))
preferences.change(user_id=User.objects.get(key="hasty@moldau.test").id, undo_seconds=0)
"""
WITH_FILE = """From: Bob <bob@moldau.test>
To: undisclosed-recipients:;
Subject: {0}
Message-ID: <{0}@moldau.test>
MIME-Version: 1.0
Content-Type: multipart/mixed; boundary=B

--B
Content-Type: text/plain

The plan is attached.
--B
Content-Type: application/pdf; name=plan.pdf
Content-Disposition: attachment; filename=plan.pdf
Content-Transfer-Encoding: base64

JVBERi0xLjQgcGxhbg==
--B--
"""
PLAN = b"%PDF-1.4 plan"


@pytest.fixture(scope="module")
def service(house: Installation) -> Installation:
    """Alice may write as the team, and as a shop; each has a signature. Whom hasty writes to has it
    at once."""
    service = moved_in(house, PEOPLE)
    service.manage("shell", "-v0", "-c", SETUP)
    return service


def arrives(service: Installation, raw: str, subject: str, whom: str = ALICE) -> None:
    with service.smtp() as client:
        client.sendmail(BOB, [whom], raw.format(subject).replace("\n", "\r\n").encode())
    one(service, "INBOX", subject, whom)


def is_in(service: Installation, folder: str, subject: str) -> bool:
    return any(each["Subject"] == subject for each in found(service, folder))


def schedule(page: Page, subject: str) -> None:
    new(page)
    write(page, subject, "In good time", BOB)
    page.keyboard.press("Control+Shift+Enter")
    composer(page).locator("[data-later]").get_by_text("Monday morning").click()
    expect(page.locator(".composer")).to_have_count(0)


def test_a_scheduled_letter_is_changed_and_sent_now(
    service: Installation, watched: Watched
) -> None:
    schedule(watched.page, "Monday")
    page = show(watched, "scheduled", "Monday")
    banner = page.locator(".leaves")
    expect(banner).to_contain_text("Leaves on")
    before = banner.locator("b").inner_text()
    watched.look()
    banner.get_by_text("Change time").first.click()
    watched.check_accessibility()
    banner.get_by_role("button", name=re.compile("Tomorrow")).first.click()
    expect(page.locator(".leaves b")).not_to_have_text(before)
    banner.get_by_text("Change time").first.click()
    banner.get_by_label("Date and time").fill("2026-12-24T18:30")
    banner.get_by_role("button", name="Change time").click()
    expect(page.locator(".leaves b")).to_contain_text("24")
    expect(page.locator(".leaves b")).to_contain_text("18:30")
    assert "24 Dec 2026" in one(service, "Scheduled", "Monday")["Date"]
    banner.get_by_role("button", name="Send now").click()
    expect(page.locator(".toast, .callout", has_text="Message sent").first).to_be_visible()
    assert text_of(one(service, "INBOX", "Monday", BOB)).startswith("In good time")
    assert is_in(service, "Sent", "Monday")
    assert not is_in(service, "Scheduled", "Monday")
    watched.check()


@pytest.mark.long
def test_a_scheduled_letter_is_cancelled_and_written_on(
    service: Installation, watched: Watched
) -> None:
    schedule(watched.page, "Not on Monday")
    page = show(watched, "scheduled", "Not on Monday")
    page.locator(".leaves").get_by_role("button", name="Cancel and edit").click()
    box = page.locator(".composer.is-scripted")
    expect(box.locator("[name=subject]")).to_have_value("Not on Monday")
    assert is_in(service, "Drafts", "Not on Monday")
    assert not is_in(service, "Scheduled", "Not on Monday")
    box.locator("[data-rich]").click()
    page.keyboard.type("Or never. ")
    box.locator("[data-compose=discard]").click()
    page.wait_for_url("**/mail/**")
    service.wait_for(
        lambda: not is_in(service, "Drafts", "Not on Monday"), 10, "it is there", pause=0.3
    )
    watched.check()


def choose(box: Locator, address: str) -> None:
    box.locator("[data-from] summary").click()
    box.locator(f"[data-choice='{address}']").click()


@pytest.mark.long
def test_the_signature_goes_with_who_writes(service: Installation, watched: Watched) -> None:
    page = watched.page
    box = new(page)
    text = box.locator("[data-rich]")
    expect(text).to_contain_text("Alice at home")
    choose(box, SHOP)
    expect(text).to_contain_text("Alice sells")
    expect(text).not_to_contain_text("Alice at home")
    choose(box, TEAM)
    expect(text).to_contain_text("All of us")
    watched.look()
    box.locator("[data-people=to] input").focus()
    write(page, "From us all", "We have decided", BOB)
    send_now(page)
    sent = one(service, "INBOX", "From us all", BOB)
    assert sent["From"] == f"The team <{TEAM}>"
    assert "All of us" in text_of(sent)
    assert "Alice" not in text_of(sent)
    assert sent["Sender"] is None
    # A signature that its writer has changed stays; in plain text it is swapped too.
    box = new(page)
    box.locator("[data-compose=plain]").click()
    choose(box, SHOP)
    expect(box.locator("[data-plain]")).to_have_value(re.compile(r"-- \nAlice sells"))
    box.locator("[data-compose=discard]").click()
    watched.check()


@pytest.mark.long
def test_an_answer_puts_what_it_answers_into_the_archive(
    service: Installation, watched: Watched
) -> None:
    arrives(service, WITH_FILE, "Done")
    page = show(watched, "inbox", "Done")
    page.keyboard.press("r")
    box = composer(page)
    expect(box.locator("[data-rich]")).to_be_focused()
    page.keyboard.type("Thanks")
    state(page, "Draft saved")
    box.locator("[data-later] summary").click()
    box.locator("[data-compose=archive]").click()
    expect(page.locator(".composer")).to_have_count(0)
    assert one(service, "Sent", "Re: Done")["In-Reply-To"] == "<Done@moldau.test>"
    one(service, "Archive", "Done")
    assert not is_in(service, "INBOX", "Done")
    expect(page.locator("a.conv__subj:text-is('Done')")).to_have_count(0)
    # And both come back.
    page.locator(".toast [data-undo]").last.click()
    expect(composer(page).locator("[name=subject]")).to_have_value("Re: Done")
    one(service, "INBOX", "Done")
    assert not is_in(service, "Sent", "Re: Done")
    composer(page).locator("[data-compose=discard]").click()
    watched.check()


def files(message: EmailMessage) -> dict[str, object]:
    return {each.get_filename() or "": each.get_content() for each in message.iter_attachments()}


def test_a_letter_is_forwarded_with_its_files(service: Installation, chromium: Browser) -> None:
    arrives(service, WITH_FILE, "Plan", HASTY)
    base = f"https://localhost:{service.ports['WEB']}"
    with opened(chromium, base, as_whom=HASTY) as seen:
        page = show(seen, "inbox", "Plan")
        page.keyboard.press("f")
        box = composer(page)
        expect(box.locator(".file")).to_contain_text("plan.pdf")
        page.keyboard.type(f"{BOB},")
        state(page, "Draft saved")
        send_now(page)
        sent = one(service, "INBOX", "Fwd: Plan", BOB)
        assert "The plan is attached." in text_of(sent)
        assert files(sent) == {"plan.pdf": PLAN}
        seen.check()


@pytest.mark.long
def test_a_letter_is_forwarded_whole(service: Installation, watched: Watched) -> None:
    arrives(service, WITH_FILE, "Whole")
    page = show(watched, "inbox", "Whole")
    page.locator("article.msg summary[aria-label='More on this message']").click()
    page.get_by_role("link", name="Forward as attachment").click()
    box = composer(page)
    expect(box.locator(".file")).to_contain_text(".eml")
    watched.check_accessibility()
    page.keyboard.type(f"{BOB},")
    state(page, "Draft saved")
    expect(box.locator(".file")).to_have_count(1)
    send_now(page)
    (inner,) = one(service, "INBOX", "Fwd: Whole", BOB).iter_attachments()
    assert inner.get_content_type() == "message/rfc822"
    whole = inner.get_content()
    assert whole["Message-ID"] == "<Whole@moldau.test>"
    assert files(whole) == {"plan.pdf": PLAN}
    watched.check()


COPIES = "Object.keys(localStorage).filter(one => one.startsWith('mh-draft'))"


@pytest.mark.long
def test_what_was_thrown_away_elsewhere_is_kept_as_a_new_draft(
    service: Installation, watched: Watched
) -> None:
    page = watched.page
    new(page)
    write(page, "Here still", "First", BOB)
    state(page, "Draft saved")
    old = composer(page).locator("form").get_attribute("action")
    other = beside(watched)
    other.locator(".composer.is-scripted [data-compose=discard]").click()
    other.wait_for_url("**/mail/inbox/")
    other.close()
    composer(page).locator("[data-rich]").click()
    page.keyboard.press("Control+Home")
    page.keyboard.type("Second. ")
    keep = composer(page).get_by_role("button", name="Keep as a new draft")
    expect(keep).to_be_visible(timeout=15_000)
    assert all("410" in one for one in watched.complaints)  # the browser tells its console
    watched.complaints.clear()
    watched.look()
    keep.click()
    state(page, "Draft saved")
    assert "Second. First" in text_of(one(service, "Drafts", "Here still"))
    expect(composer(page).locator("form")).not_to_have_attribute("action", old or "")
    composer(page).locator("[data-compose=discard]").click()
    expect(page.locator(".composer")).to_have_count(0)
    assert page.evaluate(COPIES) == []


@pytest.mark.long
def test_who_signs_out_leaves_nothing_on_the_device(
    service: Installation, chromium: Browser
) -> None:
    base = f"https://localhost:{service.ports['WEB']}"
    with opened(chromium, base) as seen:
        seen.sign_in(ALICE)
        page = seen.page
        page.route("**/mail/compose/*/", lambda route: route.abort("connectionrefused"))
        new(page)
        write(page, "Secret", "Nobody else", BOB)
        state(page, "Offline, kept on this device")
        assert len(page.evaluate(COPIES)) == 1
        page.locator("[data-compose=minimise]").click()
        page.locator(".mail__top summary", has_text="Account:").click()
        page.get_by_role("button", name="Sign out").click()
        page.wait_for_url("**/login/**")
        assert page.evaluate(COPIES) == []
