"""What strangers write, wherever it is shown: in a real browser whose every word is listened to.

The letters come in by SMTP. Beside each page stands a server that must hear nothing; the browser
logs which names it looks up. The short form opens some of the letters; the long one (`long`) each
body of HTML in `matrix`, its pictures off and on, and on a dark sheet.
"""

import io
import re
import zipfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from urllib.parse import quote

import pytest
from playwright.sync_api import Browser, Playwright, expect

from tests.browser import envelopes, matrix
from tests.browser.conftest import FLAGS
from tests.browser.ears import MOVED, Ear, Guard, guarded, looked_up
from tests.support.installation import Installation

PEOPLE = ALICE, BOB = (envelopes.ALICE, "bob@havel.test")
FOLDER = "<mh-canary><img src=x onerror=alert(1)>"
KEYWORD = "<mh-canary/onclick=alert`1`>"
LABEL = "\"'><mh-canary><svg onload=alert(1)>"
BODY_POLICY = (
    "default-src 'none'; img-src 'self' data:; style-src 'unsafe-inline'; form-action 'none';"
    " base-uri 'none'; frame-ancestors 'self'; sandbox allow-same-origin allow-popups"
    " allow-popups-to-escape-sandbox"
)
FILE_POLICY = "default-src 'none'; sandbox; frame-ancestors 'none'"
IS_OPEN = re.compile(r"^(?:text/(?:html|xml|xsl)|application/(?:xml|xhtml)|image/svg|\S+\+xml)")


@pytest.fixture(scope="module")
def ear() -> Iterator[Ear]:
    made = Ear()
    yield made
    made.close()


@pytest.fixture(scope="module")
def names(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the browser writes down what it looks up."""
    return tmp_path_factory.mktemp("names") / "log.json"


@pytest.fixture(scope="module")
def chromium(playwright: Playwright, names: Path) -> Iterator[Browser]:
    flags = [*FLAGS, f"--log-net-log={names}"]
    browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=flags)
    yield browser
    browser.close()


Letters = list[tuple[str, bytes]]


def letters(port: int) -> Letters:
    """All of it, by the key of each."""
    made = list(envelopes.bodies("Html", list(matrix.html()), port))
    made += envelopes.charsets(port)
    made += envelopes.tricks(port)
    made += [(f"W{n}", envelopes.wordy(n, text, port)) for n, text in enumerate(matrix.WORDS)]
    made += envelopes.oddly_coded(port)
    made.append(("R0", envelopes.report(matrix.WORDS[0], port)))
    return made


def some(made: Letters) -> Letters:
    """Of each kind a few: those of the short form."""
    kept: Letters = []
    for kind, step in (("Charsets", 4), ("Trick", 24), ("W", 6), ("C", 4), ("R", 1)):
        of_kind = [one for one in made if re.match(rf"{kind} ?\d", one[0])]
        kept += of_kind[::step]
    return kept


class Post:
    """What has been delivered to Alice."""

    def __init__(self, service: Installation, ear: Ear) -> None:
        self.service = service
        self.letters = letters(ear.port)
        self.pages: dict[str, str] = {}

    def deliver(self, wanted: Letters) -> None:
        """What is not there yet; afterwards `pages` knows the address of each."""
        missing = [one for one in wanted if one[0] not in self.pages]
        with self.service.smtp() as client:
            for _, raw in missing:
                client.sendmail("m@evil.invalid", [ALICE], envelopes.with_newlines(raw))
        keys = {key for key, _ in wanted}
        self.service.wait_for(
            lambda: keys <= self.look().keys(), 30 + len(missing), "mail is missing", pause=0.5
        )

    def look(self) -> dict[str, str]:
        with self.service.imap(ALICE) as client:
            for folder in ("INBOX", "Junk"):
                client.select_folder(folder, readonly=True)
                heads = client.fetch(client.search(), ["BODY.PEEK[HEADER.FIELDS (X-KEY)]"])
                for uid, head in heads.items():
                    text = head[b"BODY[HEADER.FIELDS (X-KEY)]"].decode().strip()
                    key = text.partition(": ")[2]
                    self.pages[key] = f"/mail/{folder.lower()}/{uid}/"
        return self.pages

    def of(self, kind: str) -> list[str]:
        return [key for key in self.pages if re.match(rf"{kind} ?\d", key)]


@pytest.fixture(scope="module")
def post(service: Installation, ear: Ear) -> Post:
    made = Post(service, ear)
    with service.imap(ALICE) as client:
        client.create_folder(FOLDER)
        client.append("INBOX", b"Subject: Mine\r\n\r\nx\r\n", flags=[KEYWORD.encode()])
    with service.imap(BOB) as client:
        client.create_folder(LABEL)
        client.setacl(LABEL, ALICE, "lrswit")
    made.deliver(some(made.letters))
    return made


@pytest.fixture(scope="module")
def base(service: Installation) -> str:
    return f"https://localhost:{service.ports['WEB']}"


@pytest.fixture
def guard(chromium: Browser, base: str, ear: Ear) -> Iterator[Guard]:
    with guarded(chromium, base, ear) as made:
        yield made


def read(guard: Guard, post: Post, key: str) -> None:
    """Every page that one message has."""
    page = post.pages[key]
    for path in ("", "print/", "headers/", "why/", "source/"):
        guard.go(page + path)
        guard.check_frames(f"{key} {path}")


def files(guard: Guard, post: Post, key: str) -> None:
    """Every file of a message: none is a document of this host, previews are pages of ours."""
    page = post.pages[key]
    ask = guard.page.context.request
    for number in range(10):
        answer = ask.get(f"{guard.watched.base}{page}part/{number}/")
        if answer.status == 200:
            has = answer.headers
            assert has["content-disposition"].startswith("attachment"), key
            assert has["x-content-type-options"] == "nosniff"
            assert has["content-security-policy"] == FILE_POLICY
            assert not IS_OPEN.match(has["content-type"]), (key, has["content-type"])
        inline = ask.get(f"{guard.watched.base}{page}inline/{number}/")
        assert inline.status == 404 or inline.headers["content-type"].startswith("image/")
        if ask.get(f"{guard.watched.base}{page}preview/{number}/").status == 200:
            guard.go(f"{page}preview/{number}/")
            guard.check(f"{key} preview {number}")


def zipped(guard: Guard, post: Post, key: str) -> None:
    answer = guard.page.context.request.get(f"{guard.watched.base}{post.pages[key]}files.zip")
    names = zipfile.ZipFile(io.BytesIO(answer.body())).namelist()
    assert len(names) == len(set(names)) > 5
    for name in names:
        assert not re.search(r"[<>:\"/\\|?*\x00-\x1f\u202e]|\.\.", name), name


def open_bodies(guard: Guard, page: str, count: int, queries: Sequence[str]) -> None:
    """Each body alone in its document."""
    for number in range(1, count + 1):
        for query in queries:
            where = f"{page}body/{number}/{query}"
            assert guard.go(where) == BODY_POLICY
            assert guard.page.evaluate(MOVED) == [], where
            guard.check(where)


def count_of(post: Post, key: str) -> int:
    raw = dict(post.letters)[key]
    return raw.count(b"Content-Type: text/html; charset=")


def test_lists_show_words_alone(guard: Guard, post: Post) -> None:
    """81: rows, folders, labels, search with its marks and filters, suggestions, settings."""
    page = guard.page
    for path in (
        *("/mail/inbox/", "/mail/inbox/?unread=1", "/mail/junk/", "/mail/starred/", "/mail/side/"),
        *("/mail/folders/", "/mail/labels/", "/mail/removed/", "/mail/pictures/"),
        *("/settings/activity/", "/settings/security/", "/settings/general/"),
        *(
            "/mail/search/?q=canary",
            "/mail/search/?q=mh-canary+img",
            "/mail/search/filters/?q=canary",
        ),
        f"/mail/label/{quote(KEYWORD)}/",
    ):
        guard.go(path)
        guard.check(path)
    guard.go("/mail/search/?q=canary")
    expect(page.locator("article.conv mark").first).to_be_visible()
    for text in matrix.WORDS[:: 1 if len(post.of("W")) > 6 else 5]:
        said = quote(envelopes.fill(text, guard.ear.port))
        for path in (f"/mail/search/?q={said}", f"/mail/search/suggest/?q={said}"):
            guard.go(path)
            guard.check(path)


def test_a_page_that_is_used_shows_words_alone(guard: Guard, post: Post) -> None:
    """81: what scripts of ours put into the page: suggestions, palette, menus, toasts, titles."""
    page = guard.page
    guard.go("/mail/inbox/")
    page.keyboard.press("/")
    page.keyboard.type("canary")
    expect(page.get_by_role("option").first).to_be_visible()
    guard.check("suggestions")
    page.keyboard.press("Escape")
    guard.go(post.pages["W0"])
    assert matrix.WORDS[0][:11] in page.title()
    page.keyboard.press("Control+k")
    page.keyboard.type("canary")
    expect(page.get_by_role("option").first).to_be_visible()
    guard.check("palette")
    page.keyboard.press("Escape")
    guard.go(post.pages["W0"])
    page.keyboard.press("l")
    page.get_by_role("textbox", name="New label").fill(LABEL)
    with page.expect_response("**/mail/acts/"):
        page.keyboard.press("Enter")
    guard.check("toast of a label")
    guard.go(post.pages["W0"])
    expect(page.locator(".thread__head .tag").first).to_contain_text("mh-canary")
    guard.check("a label on a message")
    page.keyboard.press("v")
    page.keyboard.type("mh-canary")
    page.keyboard.press("Enter")
    expect(page.locator(".toast").last).to_contain_text("mh-canary")
    guard.check("toast of a folder")
    page.keyboard.press("z")
    expect(page.locator(".toast", has_text="Undone").last).to_be_visible()
    guard.check("undone")
    post.pages.pop("W0")  # it has another number
    post.look()


def test_news_are_words_alone(guard: Guard, post: Post, ear: Ear) -> None:
    """81: what comes while the page is open."""
    guard.go("/mail/inbox/")
    expect(guard.page.locator("#live")).to_have_text("Up to date", timeout=15_000)
    guard.page.mouse.move(5, 5)
    raw = envelopes.wordy(900, matrix.WORDS[3], ear.port)
    post.deliver([("W900", raw)])
    uid = post.pages["W900"].split("/")[3]
    expect(guard.page.locator(f"a[href*='/inbox/{uid}/']").first).to_be_visible(timeout=15_000)
    guard.check("news")


def test_every_page_of_a_message_shows_words_alone(guard: Guard, post: Post) -> None:
    """80, 81: names of people and files, headers, lists, invitations, reports of non-delivery."""
    for key in ["W6", post.of("C")[0], "R0"]:
        read(guard, post, key)
    for key in ("W6",):
        files(guard, post, key)
        zipped(guard, post, key)
        guard.go(post.pages[key] + "unsubscribe/")
        guard.check("unsubscribe")


def test_files_are_downloads_whatever_they_are(guard: Guard, post: Post) -> None:
    """80: asked for as a page, a file is none."""
    page = guard.page
    guard.go(post.pages["W12"])
    for name in (".html", ".svg", ".png"):
        link = page.locator(f"a[href*='/part/'][download$='{name}']").first
        href = link.get_attribute("href")
        with page.expect_download() as saved:
            page.evaluate("where => { location = where; }", href)
        assert Path(saved.value.path()).read_bytes() in {envelopes.HTML, envelopes.SVG}
        guard.downloads.clear()
        guard.check(name)


def test_character_sets_and_mime_hide_nothing(guard: Guard, post: Post) -> None:
    """79, 80, 82: octets that two readers take for different things."""
    for key in post.of("Charsets")[:2]:
        open_bodies(guard, post.pages[key], min(count_of(post, key), 9), ("",))
    for key in post.of("Trick"):
        guard.go(post.pages[key])
        guard.check_frames(key)
        files(guard, post, key)


def test_who_signs_in_is_listed_as_words(
    chromium: Browser, base: str, post: Post, ear: Ear
) -> None:
    """81: the name that a browser gives itself."""
    agent = "<mh-canary><img src=x onerror=alert(1)>"
    with guarded(chromium, base, ear, as_whom="", user_agent=agent) as guard:
        guard.watched.sign_in(ALICE)
        for path in ("/settings/activity/", "/settings/security/"):
            guard.go(path)
            guard.check(path)
        expect(guard.page.get_by_text("A browser").first).to_be_visible()


@pytest.mark.long
@pytest.mark.timeout(900)
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_no_body_of_the_matrix_runs_loads_or_moves(
    chromium: Browser, base: str, post: Post, ear: Ear, theme: str
) -> None:
    """71 to 78, 82: each payload alone, its pictures off and on."""
    wanted = [one for one in post.letters if re.match(r"Html ", one[0])]
    post.deliver(wanted)
    queries = ("", "?images=1") if theme == "light" else ("?sheet=dark",)
    with guarded(chromium, base, ear, theme=theme) as guard:
        for key, _ in wanted:
            open_bodies(guard, post.pages[key], count_of(post, key), queries)


def test_no_name_was_looked_up(
    chromium: Browser, base: str, post: Post, ear: Ear, names: Path
) -> None:
    """The last one. Our ears are good: without our walls each of them hears."""
    with guarded(chromium, base, ear) as guard:
        assert ear.heard == []
        guard.page.goto(f"http://127.0.0.1:{ear.port}/control")
        expect(guard.page.locator("p")).to_have_text("heard")
        assert ear.heard
        assert guard.watched.strangers
        # Written into a page of ours, the markup is seen at once.
        guard.go("/mail/inbox/")
        guard.page.evaluate("document.body.append(document.createElement('mh-canary'))")
        with pytest.raises(AssertionError):
            guard.check("control")
        guard.page.evaluate("alert(1)")
        assert "1" in guard.watched.complaints
    chromium.close()
    found = looked_up(names)
    assert "localhost" in found
    assert "control.leak.invalid" in found
    strangers = {host for host in found if host.endswith((".invalid", ".test", ".example"))}
    assert strangers == {"control.leak.invalid"}
