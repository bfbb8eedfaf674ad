"""Hostile mail in a real browser: nothing runs, nothing is asked for elsewhere, nothing is drawn
outside its frame. All of it comes in by SMTP."""

import re
import time
from collections.abc import Iterator, Sequence
from email.message import EmailMessage

import pytest
from playwright.sync_api import Browser

from tests.browser import payloads
from tests.browser.payloads import RUN
from tests.support.installation import Installation
from tests.support.watching import Watched, opened
from tests.webmail.test_pictures import Sink, png

BODY_CSP = (
    "default-src 'none'; img-src 'self' data:; style-src 'unsafe-inline'; form-action 'none';"
    " base-uri 'none'; frame-ancestors 'self'; sandbox allow-same-origin allow-popups"
    " allow-popups-to-escape-sandbox"
)
PEOPLE = ("alice@tiber.test", "bob@tiber.test")
ALICE = PEOPLE[0]
EACH = 18  # payloads of one message
NAME = "<img src=x onerror=\"document.title='owned'\">"


def mixed(subject: str, bodies: Sequence[str]) -> bytes:
    """A message whose parts are these bodies: each has a frame of its own."""
    parts = "".join(
        f"--B\r\nContent-Type: text/html; charset=utf-8\r\n\r\n<p>payload</p>{body}\r\n"
        for body in bodies
    )
    return (
        f"From: M <m@evil.invalid>\r\nTo: alice@tiber.test\r\nSubject: {subject}\r\n"
        f'MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary="B"\r\n\r\n{parts}--B--\r\n'
    ).encode()


def plain(body: str) -> bytes:
    return (
        "From: M <m@evil.invalid>\r\nTo: alice@tiber.test\r\nSubject: Plain\r\n"
        f"MIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n{body}\r\n"
    ).encode()


def efail(sink: str) -> bytes:
    """HTML that an encrypted part would become an attribute of, if they shared a document (93)."""
    return (
        "From: M <m@evil.invalid>\r\nTo: alice@tiber.test\r\nSubject: EFAIL\r\n"
        "MIME-Version: 1.0\r\n"
        'Content-Type: multipart/mixed; boundary="B"\r\n\r\n'
        f'--B\r\nContent-Type: text/html\r\n\r\n<p>before</p><img src="{sink}/\r\n'
        "--B\r\nContent-Type: text/plain\r\n\r\nTHE-SECRET\r\n"
        '--B\r\nContent-Type: text/html\r\n\r\n"><p>after</p>\r\n--B--\r\n'
    ).encode()


def hostile_names() -> bytes:
    """What is shown elsewhere than in the body: subject, names, file names, types (80, 81)."""
    letter = EmailMessage()
    letter["From"] = '"<img src=x onerror=alert(1)>" <m@evil.invalid>'
    letter["To"] = f'"{NAME[:20]}" <alice@tiber.test>'.replace('"<img', '"x<img').replace('="', "=")
    letter["Subject"] = NAME
    letter.set_content("Files.")
    script = b"<script>top.document.title='owned'</script>"
    for name, main, sub in (
        (f"{NAME}.html", "text", "html"),
        ("a.svg", "image", "svg+xml"),
        ("a.xml", "application", "xml"),
        ("photo.png", "image", "png"),
    ):
        letter.add_attachment(script, maintype=main, subtype=sub, filename=name)
    return letter.as_bytes()


def bomb(name: str, rest: str) -> bytes:
    return (
        f"From: M <m@evil.invalid>\r\nTo: alice@tiber.test\r\nSubject: {name}\r\n"
        f"MIME-Version: 1.0\r\n{rest}\r\n"
    ).encode()


def bombs() -> Iterator[bytes]:
    """Files that grow when they are looked into (94)."""
    yield bomb("Deep", "Content-Type: message/rfc822\r\n\r\n" * 2_000 + "x")
    event = "BEGIN:VEVENT\r\nRRULE:FREQ=SECONDLY;COUNT=999999999\r\nEND:VEVENT\r\n" * 3_000
    yield bomb("Events", f"Content-Type: text/calendar\r\n\r\nBEGIN:VCALENDAR\r\n{event}")
    tnef = (
        "Content-Type: application/ms-tnef; name=winmail.dat\r\nContent-Transfer-Encoding: base64"
    )
    yield bomb("TNEF", f"{tnef}\r\n\r\neJ8+IgEA{'AQaQCAAEAAAA' * 5_000}")
    card = "BEGIN:VCARD\r\nFN:x\r\nPHOTO:" + "A" * 400_000
    yield bomb("Card", f"Content-Type: text/vcard; name=a.vcf\r\n\r\n{card}")


def letters(sink: str) -> list[bytes]:
    run = RUN.format(sink=sink)

    def fill(text: str) -> str:
        # Not `format`: payloads are full of braces.
        text = text.replace("{sink}", sink).replace("{run}", run)
        return text.replace("{{", "{").replace("}}", "}")

    made = [
        mixed(f"Group {at}", [fill(text) for text in payloads.HTML[at : at + EACH]])
        for at in range(0, len(payloads.HTML), EACH)
    ]
    made += [plain(fill("\r\n".join(payloads.TEXTS)))]
    made += [efail(sink), hostile_names(), *bombs()]
    return [re.sub(rb"\r?\n", b"\r\n", raw) for raw in made]


@pytest.fixture(scope="module")
def sink() -> Iterator[Sink]:
    made = Sink()
    yield made
    made.close()


@pytest.fixture(scope="module")
def addresses(service: Installation, sink: Sink) -> dict[str, str]:
    """Alice has all of it: the address of the page of each subject."""
    sent = letters(f"http://127.0.0.1:{sink.port}")
    with service.smtp() as client:
        for raw in sent:
            client.sendmail("m@evil.invalid", [ALICE], raw)
    service.wait_for(lambda: len(pages(service)) == len(sent), 60, "mail is missing", pause=0.2)
    found = pages(service)
    # What cannot be looked into goes to Junk even where the filter is off: it is not about spam.
    assert {name for name, path in found.items() if "/junk/" in path} == {"Deep", "TNEF"}
    return found


def pages(service: Installation) -> dict[str, str]:
    """The address of the page of each subject in Alice's inbox and in Junk."""
    found = {}
    with service.imap(ALICE) as client:
        for folder in ("INBOX", "Junk"):
            client.select_folder(folder, readonly=True)
            heads = client.fetch(client.search(), ["BODY.PEEK[HEADER]"])
            for uid, head in heads.items():
                subject = re.search(rb"^Subject: (.*?)\r$", head[b"BODY[HEADER]"], re.M)
                assert subject is not None
                found[subject[1].decode()] = f"/mail/{folder.lower()}/{uid}/"
    return found


@pytest.fixture
def watched(service: Installation, chromium: Browser) -> Iterator[Watched]:
    base = f"https://localhost:{service.ports['WEB']}"
    with opened(chromium, base, as_whom=ALICE) as page:
        yield page


def check(watched: Watched, sink: Sink, where: str) -> None:
    """Nobody told on itself, and nobody was asked."""
    assert watched.page.title() != "owned", where
    assert [text for text in watched.complaints if text == "1" or "owned" in text] == [], where
    assert watched.strangers == [], where
    assert sink.asked == [], where


def places(addresses: dict[str, str]) -> Iterator[tuple[str, str]]:
    """The address of each payload's document, and the payload."""
    for at, payload in enumerate(payloads.HTML):
        page = addresses[f"Group {at // EACH * EACH}"]
        yield f"{page}body/{at % EACH + 1}/", payload


def test_no_body_runs_loads_or_leads_anywhere(
    watched: Watched, addresses: dict[str, str], sink: Sink
) -> None:
    """71 to 79, 82: each alone in its document, with pictures off and on; what is loaded is asked
    of this host alone, which asks nothing near by (88, 89)."""
    asked: list[str] = []
    watched.page.on("request", lambda one: asked.append(one.url))
    drawn = (
        # A picture that is not loaded has a box of ours, and a lying link a mark.
        "[...document.querySelectorAll(':not(img:not([src]), .mh-note)')]"
        ".filter(e => getComputedStyle(e).position != 'static')"
    )
    for path, payload in places(addresses):
        for query in ("", "?images=1") if payload in payloads.LOADS else ("",):
            response = watched.page.goto(f"{watched.base}{path}{query}")
            assert response is not None
            assert response.status == 200, payload
            assert response.headers["content-security-policy"] == BODY_CSP
            assert response.headers["x-content-type-options"] == "nosniff"
            assert response.headers["cache-control"] == "no-store"
            # The sandbox lets no script of the page run; this one comes by the debugger.
            targets = watched.page.evaluate("[...document.links].map(a => a.protocol)")
            assert set(targets) <= {"http:", "https:", "mailto:", "tel:"}, payload
            assert watched.page.evaluate(f"{drawn}.length") == 0, payload
            check(watched, sink, payload)
    assert any("/img/" in url for url in asked)


def test_the_reading_pane_keeps_it_in_its_frames(
    watched: Watched, addresses: dict[str, str], sink: Sink
) -> None:
    """71 to 81, 94: in the page, where the frames are."""
    for subject, page in addresses.items():
        begin = time.monotonic()
        watched.go(page)
        assert time.monotonic() - begin < 30, subject
        frames = watched.page.locator("iframe.msg__frame")
        assert not subject.startswith("Group") or frames.count() > 1
        for at in range(frames.count()):
            assert frames.nth(at).get_attribute("srcdoc") is None
            assert "allow-scripts" not in (frames.nth(at).get_attribute("sandbox") or "scripts")
        assert watched.page.locator("img[src=x]").count() == 0
        check(watched, sink, subject)


def test_a_lying_link_is_told(watched: Watched, addresses: dict[str, str]) -> None:
    """Whatever the style sheets of the mail say (77)."""
    path = next(path for path, payload in places(addresses) if payload == payloads.OVERLAYS[-1])
    watched.go(path)
    note = watched.page.locator(".mh-note")
    assert note.inner_text() == "leads to evil.invalid"
    assert note.is_visible()


def test_encrypted_text_never_shares_a_document(
    watched: Watched, addresses: dict[str, str], sink: Sink
) -> None:
    """93, and 83: each part alone; the policy of the page around."""
    page = addresses["EFAIL"]
    response = watched.page.goto(f"{watched.base}{page}")
    assert response is not None
    policy = response.headers["content-security-policy"]
    for part in ("script-src 'self'", "frame-ancestors 'none'", "base-uri 'none'"):
        assert part in policy
    assert "unsafe" not in policy
    for number, words in ((1, "before"), (2, "THE-SECRET"), (3, "after")):
        watched.go(f"{page}body/{number}/?images=1")
        assert ("THE-SECRET" in watched.page.content()) == (words == "THE-SECRET")
    check(watched, sink, "EFAIL")


def test_the_sink_would_have_heard(watched: Watched, sink: Sink) -> None:
    """The last one: without our walls a picture of it is asked for."""
    sink.say("/seen", png())
    watched.page.goto(f"http://127.0.0.1:{sink.port}/seen")
    assert sink.asked
