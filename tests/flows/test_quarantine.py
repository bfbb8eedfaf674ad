"""Mail that is set aside, as its reader and its administrator meet it: the running service, a mail
program, and what a browser does with a link."""

import email
import email.policy
import json
import re
from collections.abc import Iterator, Mapping
from email.message import EmailMessage
from http.client import HTTPSConnection
from typing import Any
from urllib.parse import urlencode, urlsplit

import pytest

from tests.scan.attachments import made
from tests.scan.attachments.made import EICAR
from tests.support.installation import PASSWORD, UNCHECKED, Installation, installation

ALICE, BOB = "alice@example.test", "bob@example.test"
SECONDS = 30.0


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    """An installation that takes a message first and looks at it then: nothing is refused."""
    extra = {"SCAN_WAIT_SECONDS": "0"}
    with installation(tmp_path_factory.mktemp("quarantine"), extra, clerk=True) as running:
        running.add_people(ALICE, BOB)
        yield running


def mail(name: str, content: bytes, declared: str = "application/octet-stream") -> bytes:
    """A message with an attachment, as it goes over the wire."""
    return made.mail(name, content, declared).replace(b"\n", b"\r\n")


def give(service: Installation, raw: bytes, to: str) -> None:
    """Hand a message to the door for other servers."""
    with service.smtp() as client:
        assert client.sendmail("carol@outside.invalid", [to], raw) == {}


def listed(service: Installation, *words: str) -> list[dict[str, Any]]:
    """What lies in quarantine."""
    rows: list[dict[str, Any]] = json.loads(
        service.manage("quarantine", "list", "--all", "--json", *words)
    )
    return rows


def inbox(service: Installation, user: str) -> list[EmailMessage]:
    """The messages in a user's INBOX, oldest first."""
    with service.imap(user) as client:
        client.select_folder("INBOX", readonly=True)
        found = client.fetch(client.search(), ["BODY.PEEK[]"])
    raws = [found[uid][b"BODY[]"] for uid in sorted(found)]
    return [email.message_from_bytes(raw, policy=email.policy.default) for raw in raws]


def subjects(service: Installation, user: str) -> list[str]:
    """Their subjects."""
    return [str(one["subject"]) for one in inbox(service, user)]


def ask(
    service: Installation, link: str, form: Mapping[str, str] | None = None, cookie: str = ""
) -> tuple[str, str]:
    """Open a link of a letter, or send its form: the page, and the cookie that it set."""
    where = urlsplit(link)
    client = HTTPSConnection("127.0.0.1", service.ports["WEB"], timeout=30, context=UNCHECKED)
    headers = {"Host": where.netloc, "Cookie": cookie, "Origin": f"https://{where.netloc}"}
    body = None if form is None else urlencode(form)
    if body is not None:
        headers["Content-Type"] = "application/x-www-form-urlencoded"
    method = "GET" if body is None else "POST"
    client.request(method, f"{where.path}?{where.query}", body, headers)
    answer = client.getresponse()
    page = answer.read().decode()
    assert answer.status == 200
    client.close()
    return page, (answer.headers["Set-Cookie"] or cookie).partition(";")[0]


def press(service: Installation, link: str, do: str) -> str:
    """Open a link and press a button on its page; the page that follows."""
    page, cookie = ask(service, link)
    csrf = re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', page)
    assert csrf is not None
    return ask(service, link, {"do": do, "csrfmiddlewaretoken": csrf[1]}, cookie)[0]


def digest(service: Installation, user: str) -> str:
    """The text of the digest that is sent now."""
    assert service.manage("quarantine", "digest", user, "--now").strip() == "Sent."
    service.wait_for(
        lambda: any(one.startswith("Mail for you:") for one in subjects(service, user)),
        SECONDS,
        "no digest came",
    )
    (letter,) = (one for one in inbox(service, user) if "Mail for you:" in str(one["subject"]))
    plain = next(iter(letter.iter_parts()))
    assert isinstance(plain, EmailMessage)
    return str(plain.get_content())


def test_a_virus_is_kept_told_and_released_by_an_administrator_alone(
    service: Installation,
) -> None:
    give(service, mail("invoice.pdf", EICAR), ALICE)
    service.wait_for(lambda: listed(service), SECONDS, "it is not in quarantine")
    (row,) = listed(service)
    assert (row["reason"], row["to"], row["state"]) == ("virus", ALICE, "kept")
    assert inbox(service, ALICE) == []

    text = digest(service, ALICE)
    assert "1 held back" in text
    assert "Release" not in text
    (link,) = re.findall(r"https://\S+/held/\S+", text)
    page, _ = ask(service, link)
    assert "Only your administrator" in page
    assert 'value="release"' not in page

    service.manage("quarantine", "release", "--harmful", str(row["number"]))
    service.wait_for(
        lambda: "The papers" in subjects(service, ALICE), SECONDS, "it was not delivered"
    )
    assert [one["state"] for one in listed(service)] == ["released"]
    assert "is in your mailbox" in ask(service, link)[0]


def test_a_message_in_junk_comes_back_by_the_button_and_not_by_the_link(
    service: Installation,
) -> None:
    service.manage("spam", "list", "block", "outside.invalid", "--domain", "example.test")
    give(service, mail("notes.txt", b"Nothing.\n", "text/plain"), BOB)

    def junk() -> int:
        with service.imap(BOB) as client:
            return int(client.select_folder("Junk", readonly=True)[b"EXISTS"])

    service.wait_for(lambda: junk() == 1, SECONDS, "it is not in Junk")
    text = digest(service, BOB)
    assert "1 new in Junk" in text
    links = re.findall(r"https://\S+/held/\S+", text)
    for link in links:  # as a program does that looks behind every link of a letter
        assert "is in Junk" in ask(service, link)[0]
    assert junk() == 1
    assert "is in your mailbox" in press(service, links[0], "release")
    assert junk() == 0
    assert "The papers" in subjects(service, BOB)


@pytest.mark.long
def test_a_virus_that_a_user_sends_is_held_and_told(service: Installation) -> None:
    before = len(subjects(service, BOB))
    raw = mail("a.com", EICAR).replace(b"carol@outside.invalid", ALICE.encode())
    raw = raw.replace(b"The papers", b"From Alice")
    with service.smtp("SUBMISSION") as client:
        client.login(ALICE, PASSWORD)
        client.sendmail(ALICE, [BOB], raw)
    service.wait_for(
        lambda: "Not sent: From Alice" in subjects(service, ALICE), SECONDS, "she was not told"
    )
    assert len(subjects(service, BOB)) == before
    (held,) = json.loads(service.manage("queue", "list", "--state", "held", "--json"))
    service.manage("queue", "release", held["id"])
    service.wait_for(
        lambda: "From Alice" in subjects(service, BOB), SECONDS, "what was released did not come"
    )
    assert subjects(service, BOB).count("From Alice") == 1
