"""Writing in a real browser: new letters and answers, sent once, taken back, sent later."""

import re
from uuid import uuid4

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from tests.browser.writing import composer, found, new, one, state, text_of, write
from tests.support.installation import Installation
from tests.support.watching import SIZES, Watched, opened

PEOPLE = ALICE, BOB = ("alice@elbe.test", "bob@elbe.test")
HOSTILE = """From: Bob <bob@elbe.test>
To: alice@elbe.test, carol@example.net
Subject: {0}
Message-ID: <{0}@elbe.test>
MIME-Version: 1.0
Content-Type: text/html; charset=utf-8

<p style="color:#a00;position:fixed;top:0">Hi <b onclick="alert(1)">there</b></p>
<script>alert(2)</script><img src=x onerror="alert(3)"><a href="javascript:alert(4)">press</a>
<svg><style><img src=x onerror=alert(5)></style></svg>
<form action="/logout/"><button>Go</button></form>
"""


@pytest.fixture
def letter(service: Installation) -> str:
    """The subject of a message of bob to alice, hostile, that is answered here."""
    subject = f"Plan{uuid4().hex[:6]}"
    with service.smtp() as client:
        raw = HOSTILE.format(subject).replace("\n", "\r\n").encode()
        client.sendmail(BOB, [ALICE], raw)
    one(service, "INBOX", subject)
    return subject


def answer(page: Page, subject: str, key: str) -> Locator:
    page.locator(f"a.conv__subj:text-is('{subject}')").first.click()
    expect(page.locator(".mail__read .msg")).to_have_count(1, timeout=15_000)
    page.keyboard.press(key)
    expect(composer(page)).to_be_visible()
    return composer(page)


def test_a_letter_is_written_saved_and_sent_by_keyboard(
    service: Installation, watched: Watched
) -> None:
    page = watched.page
    new(page)
    write(page, "By keyboard", "One line", BOB)
    page.keyboard.press("Enter")
    page.keyboard.press("Control+b")
    page.keyboard.type("loud")
    bold = composer(page).get_by_role("button", name="Bold")
    expect(bold).to_have_attribute("aria-pressed", "true")
    state(page, "Draft saved")
    draft = one(service, "Drafts", "By keyboard")
    assert "One line\nloud" in text_of(draft)
    assert (
        page.evaluate("Object.keys(localStorage).filter(one => one.startsWith('mh-draft'))") == []
    )
    # Keys of the page mean nothing here.
    composer(page).locator("[data-compose=discard]").focus()
    page.keyboard.press("c")
    expect(page.locator(".composer")).to_have_count(1)
    page.keyboard.press("Control+Enter")
    expect(page.locator(".composer")).to_have_count(0)
    toast = page.locator(".toast [data-undo]")
    expect(toast).to_be_visible()
    sent = one(service, "Sent", "By keyboard")
    assert "<b>loud</b>" in text_of(sent, "html")
    assert found(service, "Drafts") == []
    # The time to take it back is over: the toast says so, and its button goes.
    expect(toast).to_have_count(0, timeout=15_000)
    assert text_of(one(service, "INBOX", "By keyboard", BOB)) == text_of(sent)
    watched.check()


def test_sending_is_taken_back(service: Installation, watched: Watched) -> None:
    page = watched.page
    new(page)
    write(page, "Too soon", "Wait", BOB)
    page.keyboard.press("Control+Enter")
    expect(page.locator(".toast [data-undo]")).to_be_visible()
    page.keyboard.press("z")
    expect(composer(page).locator("[name=subject]")).to_have_value("Too soon")
    one(service, "Drafts", "Too soon")
    assert not any(each["Subject"] == "Too soon" for each in found(service, "Sent"))
    # Thrown away, and back again.
    composer(page).locator("[data-compose=discard]").click()
    expect(page.locator(".composer")).to_have_count(0)
    page.locator(".toast [data-undo]").last.click()
    expect(composer(page).locator("[name=subject]")).to_have_value("Too soon")
    composer(page).locator("[data-compose=discard]").click()
    expect(page.locator(".composer")).to_have_count(0)
    watched.check()


def test_a_double_click_sends_one_letter(service: Installation, watched: Watched) -> None:
    page = watched.page
    new(page)
    write(page, "Twice", "Once", BOB)
    composer(page).locator("[data-compose=send]").dblclick()
    expect(page.locator(".composer")).to_have_count(0)
    one(service, "Sent", "Twice")
    one(service, "INBOX", "Twice", BOB)


def test_what_is_refused_is_said_and_kept(service: Installation, watched: Watched) -> None:
    page = watched.page
    box = new(page)
    box.locator("[name=subject]").fill("To nobody")
    page.keyboard.press("Control+Enter")
    expect(box.locator("[data-bar] [role=alert]")).to_be_visible()
    # The focus is where it went wrong.
    page.keyboard.type(f"{BOB},")
    box.locator("[name=subject]").fill("")
    page.keyboard.press("Control+Enter")
    # Without a subject it is asked first.
    dialog = page.locator("dialog[open]")
    expect(dialog).to_be_visible()
    dialog.get_by_role("button", name="Go on writing").click()
    expect(box.locator("[name=subject]")).to_be_focused()
    page.keyboard.type("Refused")
    page.keyboard.press("Escape")
    expect(page.locator(".composer")).to_have_count(0)
    one(service, "Drafts", "Refused")


@pytest.mark.parametrize(
    ("key", "begins"),
    [
        ("r", "Re: "),
        pytest.param("a", "Re: ", marks=pytest.mark.long),
        pytest.param("f", "Fwd: ", marks=pytest.mark.long),
    ],
)
def test_hostile_mail_is_answered(
    service: Installation, watched: Watched, letter: str, key: str, begins: str
) -> None:
    page = watched.page
    box = answer(page, letter, key)
    expect(box.locator("[name=subject]")).to_have_value(begins + letter)
    text = box.locator("[data-rich]")
    expect(text).to_contain_text("Hi there")
    assert text.locator("script, form, button, style, svg, [onclick], [onerror]").count() == 0
    assert "javascript" not in text.inner_html()
    assert "fixed" not in text.inner_html()
    if key == "f":
        page.keyboard.type(f"{BOB},")
        text.focus()
        page.keyboard.press("Control+Home")
    expect(text).to_be_focused()
    said = f"My answer by {key}"
    page.keyboard.type(said)
    page.keyboard.press("Control+Enter")
    expect(page.locator(".composer")).to_have_count(0)
    service.wait_for(
        lambda: any(said in text_of(each) for each in found(service, "Sent")), 30, "it is not sent"
    )
    sent = next(each for each in found(service, "Sent") if said in text_of(each))
    assert text_of(sent).startswith(said)
    if key != "f":
        assert sent["In-Reply-To"] == f"<{letter}@elbe.test>"
        assert "> Hi there" in text_of(sent)
    assert ("carol@example.net" in str(sent["Cc"]) + str(sent["To"])) == (key == "a")
    assert not re.search(r"onclick|onerror|<script|javascript:", text_of(sent, "html"))
    watched.check()


def test_pasted_html_is_cleaned(watched: Watched) -> None:
    page = watched.page
    box = new(page)
    box.locator("[data-rich]").click()
    page.evaluate("""() => {
      const data = new DataTransfer();
      data.setData('text/html', '<p style="color:red;position:fixed" onclick="alert(1)">'
        + 'Pasted <b>bold</b></p><script>alert(2)</script><a href="javascript:alert(3)">link</a>'
        + '<img src="https://elsewhere.example/x.png">'
        + '<table><tr><td>cell</td></tr></table><iframe src="/mail/"></iframe>');
      document.activeElement.dispatchEvent(
        new ClipboardEvent('paste', { clipboardData: data, bubbles: true, cancelable: true }));
    }""")
    text = box.locator("[data-rich]")
    expect(text).to_contain_text("Pasted bold")
    expect(text.locator("td")).to_have_text("cell")
    inside = text.inner_html()
    assert not re.search(r"script|iframe|onclick|javascript|elsewhere|fixed", inside)
    assert "color: red" in inside
    page.keyboard.press("Control+z")
    page.keyboard.press("Control+Shift+z")
    assert not re.search(r"script|iframe|onclick|elsewhere", text.inner_html())
    box.locator("[data-compose=discard]").click()
    watched.check()


@pytest.mark.long
def test_plain_text_and_back(service: Installation, watched: Watched) -> None:
    page = watched.page
    box = new(page)
    write(page, "Plain", "One", BOB)
    box.get_by_role("button", name="Bulleted list").click()
    box.locator("[data-compose=plain]").click()
    area = box.locator("[data-plain]")
    expect(area).to_have_value(re.compile(r"^\* One\n"))
    area.press("Control+End")
    page.keyboard.type("two  spaces")
    page.keyboard.press("Control+Enter")
    sent = one(service, "Sent", "Plain")
    assert sent.get_content_type() == "text/plain"
    assert "two  spaces" in sent.get_content()
    watched.check()


@pytest.mark.long
def test_a_letter_waits_for_its_time(service: Installation, watched: Watched) -> None:
    page = watched.page
    box = new(page)
    write(page, "Later", "On Monday", BOB)
    page.keyboard.press("Control+Shift+Enter")
    expect(box.locator("[data-later] .menu__item").first).to_be_focused()
    watched.check_accessibility()
    box.locator("[data-later]").get_by_text("Monday morning").click()
    expect(page.locator(".composer")).to_have_count(0)
    assert one(service, "Scheduled", "Later")["Subject"] == "Later"
    # And a time of one's own.
    new(page)
    write(page, "Later still", "Some day", BOB)
    box.locator("[data-later] summary").click()
    box.locator("[data-compose=pick]").click()
    dialog = page.locator("dialog[open]")
    watched.check_accessibility()
    dialog.get_by_role("button", name="Schedule").click()
    expect(page.locator(".composer")).to_have_count(0)
    one(service, "Scheduled", "Later still")
    watched.check()


def test_it_is_read_and_used_by_everybody(watched: Watched, letter: str) -> None:
    page = watched.page
    answer(page, letter, "r")
    watched.look()
    new_one = composer(page)
    new_one.get_by_role("button", name="Full screen").click()
    watched.look()
    new_one.get_by_role("button", name="Minimise").click()
    watched.check_accessibility()
    page.get_by_role("button", name="Show again").click()
    page.keyboard.press("Escape")


@pytest.mark.long
def test_a_link_to_an_address_begins_a_letter(service: Installation, watched: Watched) -> None:
    page = watched.page
    watched.go(f"/mail/compose/?url=mailto:{BOB}?subject=From%2520a%2520link%26body=Well")
    box = page.locator(".composer--page.is-scripted")
    expect(box.locator("[name=subject]")).to_have_value("From a link")
    watched.check_accessibility()
    box.locator("[data-compose=send]").click()
    # The page was the letter: what comes is the mail, and the way back is still there.
    page.wait_for_url("**/mail/inbox/")
    expect(page.locator(".toast [data-undo]")).to_be_visible()
    assert "Well" in text_of(one(service, "Sent", "From a link"))
    watched.check()


def test_on_a_phone_back_closes_it(
    service: Installation, chromium: Browser, watched: Watched
) -> None:
    base = watched.base
    with opened(chromium, base, size=SIZES[1], as_whom=ALICE) as seen:
        page = seen.page
        seen.go("/mail/inbox/")
        page.locator(".fab").click()
        write(page, "On a phone", "Small", BOB)
        seen.check_accessibility()
        page.go_back()
        expect(page.locator(".composer")).to_have_count(0)
        assert page.url.endswith("/mail/inbox/")
        one(service, "Drafts", "On a phone")
        seen.check()


def test_it_works_without_script(service: Installation, chromium: Browser) -> None:
    base = f"https://localhost:{service.ports['WEB']}"
    with opened(chromium, base, as_whom=ALICE, java_script_enabled=False) as seen:
        page = seen.page
        seen.go("/mail/inbox/")
        page.locator("a[data-write]").first.click()
        page.fill("[name=to]", BOB)
        page.fill("[name=subject]", "By hand")
        page.fill("[name=text]", "No script at all")
        page.get_by_role("button", name="Save draft").last.click()
        one(service, "Drafts", "By hand")
        expect(page.locator("[name=text]")).to_have_value(re.compile("No script at all"))
        page.get_by_role("button", name="Send", exact=True).click()
        assert "No script at all" in text_of(one(service, "Sent", "By hand"))
