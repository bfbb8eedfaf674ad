"""What becomes of a letter: sent later, by whom, with what, to whom it came and to whom not.

The world outside is a name server and a server for far.test, which refuses whom a test wants.
"""

import re
from collections.abc import Iterator
from contextlib import ExitStack
from email.message import EmailMessage

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from tests.browser.writing import (
    ALICE,
    BOB,
    beside,
    composer,
    found,
    new,
    one,
    state,
    text_of,
    write,
)
from tests.support.dns_server import DnsServer
from tests.support.installation import Installation, installation
from tests.support.outgoing import Outside
from tests.support.services import free_port
from tests.support.smtp_sink import SmtpSink
from tests.support.watching import Watched, opened

FAR = "far.test"
TEAM = "team@example.test"
SHOP = "alice+shop@example.test"
SETUP = """
from apps.directory.models import Kind, User
from apps.directory.services import delegations
from apps.provisioning import services
from apps.webmail.services import identities
from apps.webmail.services.identities import Wanted
alice = User.objects.get(key="alice@example.test")
team, _ = services.add_user("team@example.test", name="The team", kind=Kind.SHARED)
delegations.grant(owner=team, delegate=alice, send_as=True, send_on_behalf=False)
for address, name, text, is_default in (
    (alice.address, "Alice", "Alice at home", True),
    ("alice+shop@example.test", "Shop", "Alice sells", False),
    ("team@example.test", "The team", "All of us", False),
):
    identities.change(user=alice, address=address, wanted=Wanted(
        name=name, signature_html=f"<p>{text}</p>", signature_text=text, is_default=is_default))
"""
WITH_FILE = """From: Bob <bob@example.test>
To: alice@example.test
Subject: {0}
Message-ID: <{0}@example.test>
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
def world() -> Iterator[Outside]:
    with ExitStack() as stack:
        yield Outside(stack.enter_context(DnsServer()), free_port(), stack)


@pytest.fixture(scope="module")
def far(world: Outside) -> SmtpSink:
    return world.domain(FAR)


@pytest.fixture(scope="module")
def service(
    world: Outside, far: SmtpSink, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Installation]:
    outside = {
        "DNS_SERVERS": str(world.dns.endpoint),
        "SMTP_OUT_PORT": str(world.port),
        "SMTP_OUT_PRIVATE": "true",
        "SMTP_OUT_IPV6": "false",
    }
    with installation(tmp_path_factory.mktemp("sending"), outside) as running:
        running.add_people(ALICE, BOB)
        running.manage("shell", "-v0", "-c", SETUP)
        yield running


def show(watched: Watched, folder: str, subject: str) -> Page:
    """The message with that subject, read in its folder."""
    page = watched.page
    watched.go(f"/mail/{folder}/")
    page.locator(f"a.conv__subj:text-is('{subject}')").first.click()
    expect(page.locator(".mail__read article.msg").last).to_be_visible()
    return page


def arrives(service: Installation, raw: str, subject: str) -> None:
    with service.smtp() as client:
        client.sendmail(BOB, [ALICE], raw.format(subject).replace("\n", "\r\n").encode())
    one(service, "INBOX", subject)


def is_in(service: Installation, folder: str, subject: str) -> bool:
    return any(each["Subject"] == subject for each in found(service, folder))


def schedule(page: Page, subject: str) -> None:
    new(page)
    write(page, subject, "In good time")
    page.keyboard.press("Control+Shift+Enter")
    composer(page).locator("[data-later]").get_by_text("Monday morning").click()
    expect(page.locator(".composer")).to_have_count(0)


def send_now(page: Page) -> None:
    """And do not think again."""
    page.keyboard.press("Control+Enter")
    expect(page.locator(".composer")).to_have_count(0)


def gone(page: Page) -> None:
    """The time of undo is over."""
    expect(page.locator(".toast [data-undo]")).to_have_count(0, timeout=20_000)


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


@pytest.mark.long
def test_each_recipient_has_a_word_and_who_failed_is_written_to_again(
    service: Installation, watched: Watched, far: SmtpSink
) -> None:
    far.on(f"RCPT gone@{FAR}", "550 5.1.1 no such user here")
    far.on(f"RCPT slow@{FAR}", "451 4.3.0 come back later")
    page = watched.page
    new(page)
    write(page, "To many", "Hello all", f"{BOB},gone@{FAR},slow@{FAR},well@{FAR}")
    send_now(page)
    service.wait_for(
        lambda: b"no such user here" in b"".join(service.inbox(ALICE)), 40, "no bounce", pause=0.5
    )
    # In the list: the worst, by icon and word.
    watched.go("/mail/sent/")
    row = page.locator("article.conv", has_text="To many")
    expect(row).to_contain_text("Failed: 1 of 4")
    watched.look()
    show(watched, "sent", "To many")
    box = page.locator("details[id^=sent-]")
    expect(box.locator("summary")).to_contain_text("Delivered to 2 of 4 recipients")
    box.locator("summary").click()
    for who, word in ((BOB, "Delivered"), ("well@", "Delivered"), ("gone@", "Failed")):
        line = box.locator("li", has_text=who)
        expect(line.locator(".badge")).to_have_text(word)
        expect(line.locator(".badge svg")).to_be_visible()
    expect(box.locator("li", has_text="gone@")).to_contain_text("no such user here")
    expect(box.locator("li", has_text="slow@").locator(".badge")).to_have_text("Delayed")
    watched.look()
    tried_again(service, page, far)
    # The report says it too, and leads to the letter and on.
    page.locator(".mail__side a[href='/mail/inbox/']").first.click()
    page.locator("a.conv__subj", has_text=re.compile("[Uu]ndeliver|not delivered")).first.click()
    again = page.locator(".mail__read").get_by_role("link", name="Edit and send again")
    expect(again).to_be_visible()
    watched.look()
    again.click()
    to = composer(page).locator("[data-people=to]")
    expect(to).to_contain_text("gone@")
    expect(to).not_to_contain_text("slow@")
    expect(to).not_to_contain_text("bob@")
    expect(composer(page).locator("[name=subject]")).to_have_value("To many")
    to.get_by_role("button", name=re.compile("Remove")).first.click()
    to.locator("input").fill(f"here@{FAR},")
    composer(page).locator("[data-compose=send]").click()
    expect(page.locator(".composer")).to_have_count(0)
    service.wait_for(lambda: [f"here@{FAR}"] in [each.recipients for each in far.messages], 30, "")
    assert sum(f"well@{FAR}" in each.recipients for each in far.messages) == 1
    watched.check()


def tried_again(service: Installation, page: Page, far: SmtpSink) -> None:
    far.forget(f"RCPT slow@{FAR}")
    page.get_by_role("button", name="Try again now").click()
    expect(page.locator(".toast", has_text="It is tried again now.")).to_be_visible()
    service.wait_for(
        lambda: any(f"slow@{FAR}" in each.recipients for each in far.messages), 30, "not tried"
    )
    # Who looks at it sees it change.
    box = page.locator("details[id^=sent-]")
    expect(box.locator("li", has_text="slow@").locator(".badge")).not_to_have_text(
        "Delayed", timeout=15_000
    )


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
    write(page, "From us all", "We have decided")
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
    assert one(service, "Sent", "Re: Done")["In-Reply-To"] == "<Done@example.test>"
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


def test_a_letter_is_forwarded_with_its_files(service: Installation, watched: Watched) -> None:
    arrives(service, WITH_FILE, "Plan")
    page = show(watched, "inbox", "Plan")
    page.keyboard.press("f")
    box = composer(page)
    expect(box.locator(".file")).to_contain_text("plan.pdf")
    page.keyboard.type(f"{BOB},")
    state(page, "Draft saved")
    send_now(page)
    sent = one(service, "INBOX", "Fwd: Plan", BOB)
    assert "The plan is attached." in text_of(sent)
    assert files(sent) == {"plan.pdf": PLAN}
    watched.check()


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
    assert whole["Message-ID"] == "<Whole@example.test>"
    assert files(whole) == {"plan.pdf": PLAN}
    watched.check()


COPIES = "Object.keys(localStorage).filter(one => one.startsWith('mh-draft'))"


@pytest.mark.long
def test_what_was_thrown_away_elsewhere_is_kept_as_a_new_draft(
    service: Installation, watched: Watched
) -> None:
    page = watched.page
    new(page)
    write(page, "Here still", "First")
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
        seen.sign_in()
        page = seen.page
        page.route("**/mail/compose/*/", lambda route: route.abort("connectionrefused"))
        new(page)
        write(page, "Secret", "Nobody else")
        state(page, "Offline, kept on this device")
        assert len(page.evaluate(COPIES)) == 1
        page.locator("[data-compose=minimise]").click()
        page.locator(".mail__top summary", has_text="Account:").click()
        page.get_by_role("button", name="Sign out").click()
        page.wait_for_url("**/login/**")
        assert page.evaluate(COPIES) == []
