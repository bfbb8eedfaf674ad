"""A letter as it is written in a browser, and what other programs see of it."""

from email import message_from_bytes, policy
from email.message import EmailMessage

from playwright.sync_api import Locator, Page, expect

from tests.support.installation import Installation
from tests.support.watching import Watched


def composer(page: Page) -> Locator:
    return page.locator(".composer.is-scripted:not(.composer--min)")


def new(page: Page) -> Locator:
    """A new letter, by key."""
    page.keyboard.press("c")
    expect(composer(page)).to_be_visible()
    return composer(page)


def write(page: Page, subject: str, text: str, to: str) -> None:
    """By keyboard alone: the focus stands in To."""
    box = composer(page)
    expect(box.locator("[data-people=to] input")).to_be_focused()
    page.keyboard.type(f"{to},")
    box.locator("[name=subject]").focus()
    page.keyboard.type(subject)
    page.keyboard.press("Enter")
    expect(box.locator("[data-rich]")).to_be_focused()
    page.keyboard.press("Control+Home")
    page.keyboard.type(text)


def state(page: Page, words: str) -> None:
    expect(composer(page).locator("[data-state]")).to_contain_text(words, timeout=15_000)


def send_now(page: Page) -> None:
    """And do not think again."""
    page.keyboard.press("Control+Enter")
    expect(page.locator(".composer")).to_have_count(0)


def show(watched: Watched, folder: str, subject: str) -> Page:
    """The message with that subject, read in its folder."""
    page = watched.page
    watched.go(f"/mail/{folder}/")
    page.locator(f"a.conv__subj:text-is('{subject}')").first.click()
    expect(page.locator(".mail__read article.msg").last).to_be_visible()
    return page


def beside(watched: Watched) -> Page:
    """The same letter in another tab."""
    other = watched.page.context.new_page()
    where = composer(watched.page).locator("form").get_attribute("action")
    other.goto(f"{watched.base}{where}")
    return other


def found(service: Installation, folder: str, who: str = "") -> list[EmailMessage]:
    """What lies in a folder of the first of the people, or of `who`, as another program sees it."""
    with service.imap(who or service.people[0]) as client:
        if not client.folder_exists(folder):
            return []
        client.select_folder(folder, readonly=True)
        raw = client.fetch(client.search(), ["BODY.PEEK[]"])
    parsed = (message_from_bytes(raw[uid][b"BODY[]"], policy=policy.default) for uid in sorted(raw))
    return [one for one in parsed if isinstance(one, EmailMessage)]


def one(service: Installation, folder: str, subject: str, who: str = "") -> EmailMessage:
    """The message with that subject, once it is there."""
    service.wait_for(
        lambda: any(each["Subject"] == subject for each in found(service, folder, who)),
        30,
        f"no {subject} in {folder}",
        pause=0.3,
    )
    same = [each for each in found(service, folder, who) if each["Subject"] == subject]
    assert len(same) == 1
    return same[0]


def text_of(message: EmailMessage, kind: str = "plain") -> str:
    body = message.get_body((kind,))
    assert body is not None
    content = body.get_content()
    assert isinstance(content, str)
    return content.replace("\r\n", "\n")
