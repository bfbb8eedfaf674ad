"""The files of a letter in a real browser: uploaded with progress, over a lost connection and a
closed page, pasted and dropped, shown within the text, and missing."""

import hashlib
import re
from base64 import b64encode
from collections.abc import Iterator
from email.message import EmailMessage
from io import BytesIO
from pathlib import Path
from random import Random

import pytest
from PIL import Image
from playwright.sync_api import Browser, CDPSession, Dialog, Locator, Page, Request, expect

from tests.browser.writing import composer, found, new, one, state, write
from tests.support.installation import Installation
from tests.support.watching import Watched, opened

PEOPLE = ALICE, BOB = ("alice@ebro.test", "bob@ebro.test")
MEGABYTE = 1024 * 1024
LARGE = Random(11).randbytes(25 * MEGABYTE)
PROGRESS = 30_000  # milliseconds


@pytest.fixture
def watched(service: Installation, chromium: Browser) -> Iterator[Watched]:
    base = f"https://localhost:{service.ports['WEB']}"
    with opened(chromium, base, as_whom=ALICE) as seen:
        seen.go("/mail/inbox/")
        new(seen.page)
        yield seen


def file(folder: Path, name: str, content: bytes) -> Path:
    made = folder / name
    made.write_bytes(content)
    return made


def picture(colour: str = "#2b51d3", size: tuple[int, int] = (900, 300)) -> bytes:
    made = BytesIO()
    Image.new("RGB", size, colour).save(made, "PNG")
    return made.getvalue()


def choose(button: Locator, files: list[Path]) -> None:
    with button.page.expect_file_chooser() as chooser:
        button.click()
    chooser.value.set_files(files)


def attach(page: Page, *files: Path) -> None:
    choose(composer(page).locator("[data-compose=attach]"), list(files))


def tile(page: Page, name: str) -> Locator:
    return composer(page).locator(f".file[data-name='{name}']")


def slow(page: Page, octets: int) -> CDPSession:
    """The network of this page carries so many octets in a second, until this is detached."""
    session = page.context.new_cdp_session(page)
    session.send("Network.enable")
    carry(session, octets)
    return session


def carry(session: CDPSession, octets: int) -> None:
    """So many octets in a second, 0 for a network that is not there."""
    conditions = {"offline": not octets, "latency": 5, "downloadThroughput": -1}
    session.send("Network.emulateNetworkConditions", conditions | {"uploadThroughput": octets})


def pieces(page: Page) -> list[int]:
    """Where each piece begins that is sent from now on."""
    begun: list[int] = []

    def asked(request: Request) -> None:
        if "?at=" in request.url:
            begun.append(int(request.url.partition("?at=")[2]))

    page.on("request", asked)
    return begun


def parts(message: EmailMessage) -> dict[str, bytes]:
    return {
        str(part.get_filename()): part.get_content()
        if part.get_content_maintype() != "text"
        else part.get_content().encode()
        for part in message.iter_attachments()
    }


def attached(service: Installation, subject: str, count: int) -> dict[str, bytes]:
    """The files of a draft, as another program sees them, once there are so many."""
    got: dict[str, bytes] = {}

    def there() -> bool:
        nonlocal got
        # A save may put the next version in its place while we look.
        same = [each for each in found(service, "Drafts") if each["Subject"] == subject]
        got = parts(same[0]) if len(same) == 1 else {}
        return len(got) == count

    service.wait_for(there, 60, f"{subject} has not its files", pause=0.3)
    return got


def drop(page: Page, onto: str, *files: tuple[str, str, bytes]) -> None:
    """Drag files of another program over the composer and let them go."""
    given = [[name, kind, b64encode(octets).decode()] for name, kind, octets in files]
    page.evaluate(
        """([onto, files]) => {
          const data = new DataTransfer();
          for (const [name, type, text] of files) {
            const octets = Uint8Array.from(atob(text), letter => letter.charCodeAt(0));
            data.items.add(new File([octets], name, {type}));
          }
          const at = document.querySelector(onto);
          for (const kind of ['dragenter', 'dragover', 'drop']) {
            at.dispatchEvent(new DragEvent(kind,
              {dataTransfer: data, bubbles: true, cancelable: true}));
          }
        }""",
        [onto, given],
    )


@pytest.mark.timeout(300)  # 25 MB, over a slow network and the machine of a test
@pytest.mark.parametrize("size", [4, pytest.param(25, marks=pytest.mark.long)])
def test_a_file_tells_how_far_it_is_and_survives_a_lost_connection(
    service: Installation, watched: Watched, tmp_path: Path, size: int
) -> None:
    page = watched.page
    content = LARGE[: size * MEGABYTE]
    write(page, f"Large {size}", "Look at this", BOB)
    begun = pieces(page)
    session = slow(page, len(content) // 50)  # it would take 50 seconds
    attach(page, file(tmp_path, "drawing.bin", content), file(tmp_path, "notes.txt", b"few words"))
    large = tile(page, "drawing.bin")
    expect(tile(page, "notes.txt")).to_contain_text("9 bytes")
    bar = large.get_by_role("progressbar")
    expect(bar).to_be_visible()
    expect(large).to_contain_text(f"of {size} MB · ", timeout=PROGRESS)
    expect(large.get_by_role("button", name="Cancel upload of drawing.bin")).to_be_visible()
    watched.look(rests=False)
    carry(session, 0)
    expect(large).to_contain_text("Connection lost", timeout=PROGRESS)
    last = begun[-1]
    watched.check_accessibility()
    watched.complaints.clear()  # the browser's own, of a network that is not there
    carry(session, 40 * MEGABYTE)
    expect(large).not_to_contain_text("Connection lost", timeout=PROGRESS)
    expect(bar).to_be_hidden(timeout=120_000)
    expect(large).to_contain_text(f"{size} MB")
    # It went on where it was: nothing that had arrived was sent again.
    assert last > 0
    assert min(begun[begun.index(last) + 1 :]) >= last
    got = attached(service, f"Large {size}", 2)
    assert hashlib.sha256(got["drawing.bin"]).digest() == hashlib.sha256(content).digest()
    assert got["notes.txt"] == b"few words"
    state(page, "Draft saved")
    # Removed, and back again.
    tile(page, "notes.txt").get_by_role("button", name="Remove notes.txt").click()
    expect(tile(page, "notes.txt")).to_be_hidden()
    page.locator(".toast [data-undo]").last.click()
    expect(tile(page, "notes.txt")).to_be_visible()
    session.detach()
    assert [one for one in watched.complaints if "ERR_INTERNET_DISCONNECTED" not in one] == []


@pytest.mark.long
def test_a_draft_takes_its_files_even_if_the_first_save_fails(
    service: Installation, watched: Watched, tmp_path: Path
) -> None:
    page = watched.page
    write(page, "Late", "Look at this", BOB)
    state(page, "Draft saved")
    letter = re.compile(rf"/mail/compose/{composer(page).get_attribute('data-composer')}/$")
    page.route(letter, lambda route: route.abort(), times=1)
    attach(page, file(tmp_path, "plan.txt", b"plan"))
    # Not a word was changed, and still there is something to save.
    state(page, "Offline")
    state(page, "Draft saved")
    assert attached(service, "Late", 1) == {"plan.txt": b"plan"}


@pytest.mark.long
def test_a_file_goes_on_after_its_page_was_closed(watched: Watched, tmp_path: Path) -> None:
    page = watched.page
    write(page, "Closed", "Look at this", BOB)
    session = slow(page, MEGABYTE // 3)
    attach(page, file(tmp_path, "drawing.bin", LARGE[: 6 * MEGABYTE]))
    expect(tile(page, "drawing.bin")).to_contain_text(
        re.compile(r"[1-4](\.\d)? MB of 6 MB"), timeout=PROGRESS
    )
    url = f"/mail/compose/{composer(page).get_attribute('data-composer')}/"
    answered: list[str] = []

    def accept(dialog: Dialog) -> None:
        answered.append(dialog.type)
        dialog.accept()

    page.on("dialog", accept)
    watched.go(url)
    assert answered == ["beforeunload"]
    watched.complaints.clear()
    session.detach()
    cut = tile(page, "drawing.bin")
    expect(cut).to_contain_text("Choose the file again")
    watched.look()
    here = re.search(r'data-received="(\d+)"', page.request.get(page.url).text())
    assert here is not None
    begun = pieces(page)
    # Sending is refused with a word as long as it is not whole.
    composer(page).locator("[data-compose=send]").click()
    expect(composer(page).get_by_role("alert")).to_contain_text("drawing.bin is not attached")
    choose(cut.get_by_role("button", name="Choose the file"), [file(tmp_path, "other.bin", b"no")])
    expect(page.locator(".toast--bad")).to_contain_text("This is another file")
    attach(page, file(tmp_path, "drawing.bin", LARGE[: 6 * MEGABYTE]))
    expect(cut).to_contain_text("6 MB", timeout=PROGRESS)
    expect(cut.get_by_role("progressbar")).to_be_hidden(timeout=PROGRESS)
    expect(composer(page).locator(".file")).to_have_count(1)
    assert min(begun) == int(here[1]) > 0
    assert watched.complaints == []


@pytest.mark.long
def test_uploads_are_cancelled_refused_and_awaited(
    service: Installation, watched: Watched, tmp_path: Path
) -> None:
    page = watched.page
    write(page, "Awaited", "Look at this", BOB)
    session = slow(page, MEGABYTE // 2)
    attach(page, file(tmp_path, "wrong.bin", LARGE[: 8 * MEGABYTE]))
    tile(page, "wrong.bin").get_by_role("button", name="Cancel").click()
    expect(composer(page).locator(".file")).to_have_count(0)
    # Too large is said before a byte is on its way.
    page.evaluate(
        """() => {
          const file = new File(['x'], 'huge.bin');
          Object.defineProperty(file, 'size', {value: 4e9});
          const data = {types: ['Files'], items: [{kind: 'file', getAsFile: () => file}]};
          const drop = new Event('drop', {bubbles: true, cancelable: true});
          drop.dataTransfer = data;
          document.querySelector('.composer').dispatchEvent(drop);
        }"""
    )
    expect(tile(page, "huge.bin")).to_contain_text("All files of a message can have")
    watched.complaints.clear()  # the browser's own, of the answer
    watched.check_accessibility()  # not `look`: on so slow a network something is always under way
    tile(page, "huge.bin").get_by_role("button", name="Remove").click()
    # A letter waits for its files, unless its writer thinks better of it.
    attach(page, file(tmp_path, "right.bin", LARGE[: 2 * MEGABYTE]))
    send = composer(page).locator("[data-compose=send]")
    send.click()
    said = composer(page).get_by_role("alert")
    expect(said).to_contain_text("The message goes when 1 file is uploaded.")
    said.get_by_role("button", name="Do not send yet").click()
    expect(send).not_to_have_class("btn--loading")
    send.click()
    session.detach()
    expect(page.locator(".composer")).to_have_count(0, timeout=PROGRESS)
    assert set(parts(one(service, "Sent", "Awaited"))) == {"right.bin"}
    watched.check()


def test_files_are_dropped_and_pictures_stand_in_the_text(
    service: Installation, watched: Watched, tmp_path: Path
) -> None:
    page = watched.page
    write(page, "Pictures", "Before ", BOB)
    drop(page, ".composer__head", ("a b.txt", "text/plain", b"dropped"))
    expect(tile(page, "a b.txt")).to_contain_text("7 bytes")
    drop(page, "[data-rich]", ("view_line.png", "image/png", picture()))
    image = composer(page).locator("[data-rich] img")
    expect(image).to_have_attribute("alt", "view line")
    expect(image).to_have_attribute("width", "600")
    assert image.evaluate("one => one.decode().then(() => one.naturalWidth)") == 900
    expect(tile(page, "view_line.png")).to_be_hidden()
    # Pasted as the browser copies a picture, and as data within words.
    page.evaluate(
        """text => {
          const data = new DataTransfer();
          data.setData('text/html', `<p>with <b>words</b><img src="${text}" alt="dot"></p>`);
          document.querySelector('[data-rich]').dispatchEvent(new ClipboardEvent('paste',
            {clipboardData: data, bubbles: true, cancelable: true}));
        }""",
        "data:image/png;base64," + b64encode(picture("#a33", (8, 8))).decode(),
    )
    expect(image).to_have_count(2)
    expect(composer(page).locator("[data-rich] img[src^='data:']")).to_have_count(0)
    watched.look()
    # How wide it is, and what it shows.
    image.first.click()
    dialog = page.get_by_role("dialog", name="Picture")
    dialog.get_by_label("Description").fill("The view line")
    dialog.get_by_label("Width").select_option("300")
    watched.look()
    dialog.get_by_role("button", name="Change").click()
    expect(image.first).to_have_attribute("width", "300")
    state(page, "Draft saved")
    composer(page).locator("[data-compose=send]").click()
    expect(page.locator(".composer")).to_have_count(0, timeout=PROGRESS)
    sent = one(service, "Sent", "Pictures")
    html = sent.get_body(("html",))
    assert html is not None
    content = html.get_content()
    shown = [part for part in sent.walk() if part.get_content_maintype() == "image"]
    assert len(shown) == 2
    for part in shown:
        assert f'src="cid:{str(part["Content-ID"]).strip("<>")}"' in content
    assert 'alt="The view line"' in content
    assert "/mail/compose/" not in content
    assert "a b.txt" in parts(sent)


@pytest.mark.long
def test_a_missing_attachment_is_said_while_one_writes(watched: Watched, tmp_path: Path) -> None:
    page = watched.page
    write(page, "Hint", "Hello, the plan is attached.", BOB)
    hint = composer(page).locator(".hint-files")
    expect(hint).to_contain_text("You write “attached”, and no file is attached.")
    watched.look()
    attach(page, file(tmp_path, "plan.txt", b"plan"))
    expect(hint).to_have_count(0)
    watched.check()


@pytest.mark.long
def test_links_are_asked_for(watched: Watched, tmp_path: Path) -> None:
    page = watched.page
    write(page, "Link", "", BOB)
    page.keyboard.press("Control+k")
    dialog = page.get_by_role("dialog", name="Add link")
    expect(dialog.get_by_label("Text")).to_be_focused()
    page.keyboard.type("our page")
    dialog.get_by_label("Address").fill("javascript:alert(1)")
    page.keyboard.press("Enter")
    expect(dialog.get_by_role("alert")).to_contain_text("This is no address of a page")
    watched.look()
    dialog.get_by_label("Address").fill("example.org/a b")
    page.keyboard.press("Enter")
    expect(dialog).to_be_visible()
    dialog.get_by_label("Address").fill("example.org/plan")
    page.keyboard.press("Enter")
    expect(dialog).to_have_count(0)
    link = composer(page).locator("[data-rich] a")
    expect(link).to_have_attribute("href", "https://example.org/plan")
    expect(link).to_have_text("our page")
    # On a link the same changes or removes it.
    link.click()
    composer(page).get_by_role("button", name="Link", exact=True).click()
    change = page.get_by_role("dialog", name="Change link")
    change.get_by_label("Address").fill("carol@example.net")
    page.keyboard.press("Enter")
    expect(link).to_have_attribute("href", "mailto:carol@example.net")
    link.click()
    page.keyboard.press("Control+k")
    change.get_by_role("button", name="Remove link").click()
    expect(link).to_have_count(0)
    expect(composer(page).locator("[data-rich]")).to_contain_text("our page")
    watched.check()


def test_files_are_attached_and_removed_without_script(
    service: Installation, chromium: Browser, tmp_path: Path
) -> None:
    base = f"https://localhost:{service.ports['WEB']}"
    with opened(chromium, base, as_whom=ALICE, java_script_enabled=False) as seen:
        page = seen.page
        seen.go("/mail/compose/")
        page.fill("[name=to]", "carol@example.net")
        page.fill("[name=subject]", "Plain page")
        page.set_input_files("[name=attach]", [file(tmp_path, "plan.txt", b"plan")])
        page.get_by_role("button", name="Save draft").last.click()
        expect(page.locator("[name=subject]")).to_have_value("Plain page")
        expect(page.locator(".file")).to_contain_text("plan.txt")
        assert parts(one(service, "Drafts", "Plain page")) == {"plan.txt": b"plan"}
        page.fill("[name=subject]", "Plainer page")
        page.get_by_role("button", name="Remove plan.txt").click()
        expect(page.locator(".file")).to_have_count(0)
        expect(page.locator("[name=subject]")).to_have_value("Plainer page")
        assert seen.complaints == []
