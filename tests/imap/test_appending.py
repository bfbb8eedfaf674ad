"""APPEND and REPLACE with what a dialogue cannot say: UIDVALIDITY in URLs, NUL, bounds."""

import re
from collections.abc import Iterator
from contextlib import closing

import pytest

from apps.directory.models import User
from apps.imap.limits import Limits
from apps.imap.proto import append as grammar
from apps.mailstore import queries
from apps.mailstore.models import Entry, Message
from apps.mailstore.services import replace as replace_service
from tests.imap.conftest import add_message, add_numbered
from tests.imap.test_server import answer, signed_in
from tests.support.dialogue import Client
from tests.support.imap_server import RunningServer, running

pytestmark = pytest.mark.django_db(transaction=True)

BOUNDARY = b"\r\n--------------030308070208000400050907\r\n"
LAST = b"\r\n--------------030308070208000400050907--\r\n"
DRAFT = (
    b"From: Bob Ar <bar@example.org>\r\n"
    b"Subject: About our holiday trip\r\n"
    b"MIME-Version: 1.0\r\n"
    b"Content-Type: multipart/mixed;\r\n"
    b'              boundary="------------030308070208000400050907"\r\n'
    b"\r\n"
    b"--------------030308070208000400050907\r\n"
    b"Content-Type: text/plain; charset=us-ascii\r\n"
    b"\r\n"
    b"Our travel agent has sent the schedule.\r\n"
    b"--------------030308070208000400050907\r\n"
    b"Content-Type: application/x-zip-compressed\r\n"
    b"Content-Transfer-Encoding: base64\r\n"
    b"\r\n"
    b"UEsDBAoAAAAAAA==\r\n"
    b"--------------030308070208000400050907--\r\n"
)
HEADER, _, BODY = DRAFT.partition(b"\r\n\r\n")
FIRST_MIME = b"Content-Type: text/plain; charset=us-ascii\r\n\r\n"
FIRST = b"Our travel agent has sent the schedule."
ZIP = b"Content-Type: application/x-zip-compressed\r\n\r\nNEW\r\n"


def say(client: Client, tag: str, *parts: str | bytes) -> str:
    """Send a command of line text and literals, asking for each; return its answer."""
    client.socket.sendall(tag.encode() + b" ")
    for part in parts:
        if isinstance(part, str):
            client.socket.sendall(part.encode("latin-1"))
            continue
        client.socket.sendall(b"{%d}\r\n" % len(part))
        line = client.line()
        while line.startswith("* "):
            line = client.line()
        if not line.startswith("+ "):
            return line
        client.socket.sendall(part)
    client.socket.sendall(b"\r\n")
    while (line := client.line()).startswith("* "):
        pass
    return line


def body(client: Client, mailbox: str, uid: int) -> bytes:
    """The octets of a message, read by another command."""
    answer(client, f"EXAMINE {mailbox}")
    client.send(f"x UID FETCH {uid} BODY.PEEK[]")
    found = re.search(r"\{(\d+)\}$", client.line())
    assert found is not None
    raw = client.octets(int(found[1]))
    client.line()
    assert client.line().startswith("x OK")
    return raw


@pytest.fixture
def client(alice: User, server: RunningServer) -> Iterator[Client]:
    with closing(signed_in(server)) as one:
        yield one


@pytest.fixture
def drafts(alice: User, client: Client) -> str:
    """The UIDVALIDITY of Drafts, which holds DRAFT and ZIP."""
    add_message(alice.pk, DRAFT, "Drafts")
    add_message(alice.pk, ZIP, "Drafts")
    found = re.search(r"UIDVALIDITY (\d+)", answer(client, "STATUS Drafts (UIDVALIDITY)")[0])
    assert found is not None
    return found[1]


# -- RFC 4469 appendix A --------------------------------------------------------------------------


def test_it_replaces_an_attachment_of_a_draft(client: Client, drafts: str) -> None:
    base = f"/Drafts;UIDVALIDITY={drafts}"
    line = say(
        client,
        "A003",
        f'APPEND Drafts (\\Seen \\Draft $MDNSent) CATENATE (URL "{base}/;UID=1/;section=HEADER"',
        " TEXT ",
        BOUNDARY,
        f' URL "{base}/;UID=1/;section=1.MIME" URL "{base}/;UID=1/;section=1" TEXT ',
        BOUNDARY,
        f' URL "{base}/;UID=2" TEXT ',
        LAST,
        ")",
    )
    assert line.startswith(f"A003 OK [APPENDUID {drafts} 3]")
    whole = HEADER + b"\r\n\r\n" + BOUNDARY + FIRST_MIME + FIRST + BOUNDARY + ZIP + LAST
    assert body(client, "Drafts", 3) == whole
    assert "\\Seen" not in answer(client, "FETCH 1 FLAGS")[0]


def test_it_replaces_the_text_of_a_draft(client: Client, drafts: str) -> None:
    head = b"Subject: new\r\n\r\n--------------030308070208000400050907\r\n\r\nNew text" + BOUNDARY
    base = f"/Drafts;UIDVALIDITY={drafts}/;UID=1"
    line = say(
        client,
        "A003",
        "APPEND Drafts (\\Seen) CATENATE (TEXT ",
        head,
        f' URL "{base}/;Section=2.MIME" URL "{base}/;Section=2" TEXT ',
        LAST,
        ")",
    )
    assert line.startswith(f"A003 OK [APPENDUID {drafts} 3]")
    second = BODY.split(b"--------------030308070208000400050907")[2][2:].removesuffix(b"\r\n")
    assert body(client, "Drafts", 3) == head + second + LAST


def test_it_names_the_first_url_that_is_bad(alice: User, client: Client, drafts: str) -> None:
    add_numbered(alice.pk, 1)
    url = "/INBOX/;UID=113330/;section=1.5.9"
    line = say(
        client,
        "A003",
        "APPEND Sent (\\Seen) CATENATE (TEXT ",
        b"Subject: Digest\r\n\r\n",
        ' URL "/INBOX/;UID=1" TEXT ',
        BOUNDARY,
        f' URL "{url}" URL "/Nowhere/;UID=1")',
    )
    assert line.startswith(f'A003 NO [BADURL "{url}"]')
    assert answer(client, "STATUS Sent (MESSAGES UIDNEXT)")[0].endswith("(MESSAGES 0 UIDNEXT 1)")


BAD_URLS = [
    "imap://alice@example.test/INBOX/;UID=1",
    "//host/INBOX/;UID=1",
    "imap:/INBOX/;UID=1",
    "http://example.test/",
    "/INBOX/;UID=0",
    "/INBOX/;UID=4294967296",
    "/INBOX/;UID=1:2",
    "/INBOX/;UID=*",
    "/INBOX/;UID=",
    "/INBOX/;UID=1/;SECTION=",
    "/INBOX/;UID=1/;SECTION=9",
    "/INBOX/;UID=1/;SECTION=1.9",
    "/INBOX/;UID=1/;SECTION=BOGUS",
    "/INBOX/;UID=1/;SECTION=HEADER/;SECTION=TEXT",
    "/INBOX/;UID=1/;PARTIAL=x",
    "/INBOX/;UID=1/;PARTIAL=0.5/;SECTION=TEXT",
    "/INBOX/;UID=1/;EXPIRE=2030",
    "/INBOX/;UID=1/",
    "/INBOX;UID=1",
    "/INBOX;UIDVALIDITY=4294967295/;UID=1",
    "/INBOX;UIDVALIDITY=x/;UID=1",
    "/INBOX?SUBJECT/;UID=1",
    "/INBOX",
    "/INBOX/;UID=9",
    "/Nowhere/;UID=1",
    "/%FF/;UID=1",
    "/%ZZ/;UID=1",
    "/../INBOX/;UID=1",
    "/bob@example.test/INBOX/;UID=1",
    "/Other%20Users/bob@example.test/INBOX/;UID=1",
    "/;UID=1",
    ";UID=1",
    "",
    "]",
    "a]b\xe9",
]


@pytest.mark.parametrize("url", BAD_URLS)
def test_it_refuses_a_url_of_no_message(alice: User, bob: User, client: Client, url: str) -> None:
    add_numbered(alice.pk, 1)
    add_numbered(bob.pk, 1)
    line = say(client, "a", f'APPEND INBOX CATENATE (URL "{url}")')
    told = url.replace("]", "%5D").replace("\xe9", "%E9")
    assert line.startswith(f'a NO [BADURL "{told}"] ')
    assert answer(client, "STATUS INBOX (MESSAGES)")[0].endswith("(MESSAGES 1)")


def test_it_cuts_no_line_by_a_url_that_was_sent_as_a_literal(client: Client) -> None:
    line = say(client, "a", "APPEND INBOX CATENATE (URL ", b'x\r\n* BYE\r\n"] ' * 900, ")")
    assert line.startswith('a NO [BADURL "x%0D%0A* BYE%0D%0A%22%5D ')
    assert len(line) < 4_000
    assert answer(client, "NOOP")[-1].startswith("x OK")


def test_it_reads_urls_as_they_are_written(alice: User, client: Client) -> None:
    answer(client, 'CREATE "Entw&APw-rfe/a;b c"')
    raw = b"From: a@example.net\r\nTo: b@example.net\r\nX-Y: z\r\n\r\n0123456789\r\n"
    add_message(alice.pk, raw, "Entw\u00fcrfe/a;b c")
    name = "Entw%C3%BCrfe/a%3Bb%20c"
    pieces = {
        f"/{name}/;UID=1": raw,
        f"/{name}/;uid=1/;section=text": b"0123456789\r\n",
        f"/{name}/;UID=1/;SECTION=HEADER.FIELDS%20(TO)": b"To: b@example.net\r\n\r\n",
        f"/{name}/;UID=1/;SECTION=HEADER.FIELDS.NOT%20(TO%20X-Y)": b"From: a@example.net\r\n\r\n",
        f"/{name}/;UID=1/;SECTION=1": b"0123456789\r\n",
        f"/{name}/;UID=1/;SECTION=TEXT/;PARTIAL=3.4": b"3456",
        f"/{name}/;UID=1/;SECTION=TEXT/;PARTIAL=8": b"89\r\n",
        f"/{name}/;UID=1/;PARTIAL=0.4": b"From",
        f"{name}/;UID=1/;PARTIAL=0.4": b"From",
    }
    for uid, (url, expected) in enumerate(pieces.items(), 1):
        line = say(client, "a", f'APPEND INBOX CATENATE (URL "{url}")')
        assert line.startswith("a OK"), (url, line)
        assert body(client, "INBOX", uid) == expected
    answer(client, 'SELECT "Entw&APw-rfe/a;b c"')
    # From the selected mailbox on (RFC 4469 section 3).
    for url in (";UID=1/;SECTION=TEXT", "a%3Bb%20c/;UID=1/;SECTION=TEXT"):
        line = say(client, "a", "APPEND INBOX CATENATE (TEXT ", b"x: y\r\n\r\n", f' URL "{url}")')
        assert line.startswith("a OK"), (url, line)


def test_it_follows_utf8_names_when_they_are_enabled(alice: User, client: Client) -> None:
    answer(client, 'CREATE "caf&AOk-"')
    add_message(alice.pk, DRAFT, "caf\u00e9")
    answer(client, "ENABLE UTF8=ACCEPT")
    assert say(client, "a", 'APPEND INBOX CATENATE (URL "/caf%C3%A9/;UID=1")').startswith("a OK")


@pytest.mark.parametrize(
    "text",
    [
        "APPEND INBOX CATENATE ()",
        "APPEND INBOX CATENATE (URL)",
        'APPEND INBOX CATENATE (URL "/a/;UID=1"',
        'APPEND INBOX CATENATE (URL "/a/;UID=1")x',
        'APPEND INBOX CATENATE (TEXT "abc")',
        'APPEND INBOX CATENATE (FILE "abc")',
        'APPEND INBOX CATENATE URL "/a/;UID=1"',
        'APPEND INBOX CATENATE (URL "/a/;UID=1" )',
        'APPEND INBOX CATENATE(URL "/a/;UID=1")',
    ],
)
def test_it_takes_only_what_is_in_the_grammar(client: Client, text: str) -> None:
    assert say(client, "a", text).startswith("a BAD")


# -- bounds ---------------------------------------------------------------------------------------

KIB = 1024


@pytest.fixture
def narrow(alice: User) -> Iterator[Client]:
    limits = Limits(message_size=100 * KIB, literal_memory=400 * KIB)
    with running(limits) as server, closing(signed_in(server)) as one:
        yield one


def test_it_bounds_what_is_made_of_pieces(alice: User, narrow: Client) -> None:
    add_message(alice.pk, b"Subject: x\r\n\r\n" + b"y" * 40 * KIB)
    url = 'URL "/INBOX/;UID=1"'
    assert say(narrow, "a", f"APPEND INBOX CATENATE ({url} {url})").startswith("a OK")
    assert say(narrow, "b", f"APPEND INBOX CATENATE ({url} {url} {url})").startswith(
        "b NO [TOOBIG]"
    )
    # Each message is small enough, all of them are not: 100 KB may be on the way, or be made.
    assert say(narrow, "c", f"APPEND INBOX CATENATE ({url}) CATENATE ({url})").startswith("c OK")
    many = " ".join([f"CATENATE ({url})"] * 400)
    assert say(narrow, "d", f"APPEND INBOX {many}").startswith("d NO [TOOBIG]")
    assert Message.objects.count() == 4
    answer(narrow, "SELECT INBOX")
    line = say(narrow, "e", f"UID REPLACE 1 INBOX CATENATE ({url} {url} {url})")
    assert line.startswith("e NO [TOOBIG]")


def test_it_bounds_how_many_pieces_and_messages_there_are(client: Client) -> None:
    pieces = " ".join(['URL "/a/;UID=1"'] * (grammar.URLS_MAX + 1))
    assert say(client, "a", f"APPEND INBOX CATENATE ({pieces})").startswith("a NO [LIMIT]")
    messages = " ".join(['CATENATE (URL "/a/;UID=1")'] * (grammar.URLS_MAX + 1))
    assert say(client, "a", f"APPEND INBOX {messages}").startswith("a NO [LIMIT]")
    client.socket.sendall(b"b APPEND INBOX" + b" {1+}\r\nx" * (grammar.MESSAGES_MAX + 1) + b"\r\n")
    assert client.line().startswith("b NO [LIMIT]")
    assert answer(client, "STATUS INBOX (MESSAGES)")[0].endswith("(MESSAGES 0)")


@pytest.mark.parametrize("literal", ["~{3+}", "UTF8 (~{3+}", "CATENATE (UTF8 (~{3+}"])
def test_it_keeps_no_nul(client: Client, literal: str) -> None:
    end = ")" * literal.count("(")
    client.socket.sendall(f"a APPEND INBOX {literal}\r\na\0b{end}\r\n".encode())
    assert client.line().startswith("a NO [UNKNOWN-CTE]")
    client.socket.sendall(b"b APPEND INBOX {3+}\r\na\0b\r\n")
    assert client.line().startswith("b BAD")
    client.socket.sendall(b"c APPEND INBOX ~{4+}\r\na\nb\n\r\n")  # no CRLF, so no text
    assert client.line().startswith("c NO [UNKNOWN-CTE]")
    client.socket.sendall(b"d APPEND INBOX {4+}\r\na\nb\n\r\n")
    assert client.line().startswith("d OK")
    assert body(client, "INBOX", 1) == b"a\r\nb\r\n"


# -- quota, and all or nothing --------------------------------------------------------------------


def test_it_appends_all_or_nothing_of_what_the_quota_allows(alice: User, client: Client) -> None:
    User.objects.filter(pk=alice.pk).update(quota=250)
    message = b"x" * 100
    line = say(client, "a", "APPEND INBOX ", message, " ", message, " ", message, " ", message)
    assert line.startswith("a NO [OVERQUOTA]")
    assert answer(client, "STATUS INBOX (MESSAGES UIDNEXT)")[0].endswith("(MESSAGES 0 UIDNEXT 1)")
    assert not Message.objects.exists()
    line = say(client, "b", "APPEND INBOX ", message, " ", message, " ", message)
    assert line.startswith("b OK")


def test_it_replaces_in_a_full_mailbox(alice: User, client: Client) -> None:
    """RFC 8508 section 3.4: only the net quota consumption is considered."""
    add_message(alice.pk, b"x" * 300, "Drafts")
    User.objects.filter(pk=alice.pk).update(quota=300)
    answer(client, "SELECT Drafts")
    assert say(client, "a", "APPEND Drafts ", b"y").startswith("a NO [OVERQUOTA]")
    assert say(client, "b", "UID REPLACE 1 Drafts ", b"y" * 250).startswith("b OK")
    assert body(client, "Drafts", 2) == b"y" * 250


def test_it_leaves_the_old_message_where_the_new_one_cannot_be_saved(
    alice: User, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    add_message(alice.pk, b"x" * 300, "Drafts")
    answer(client, "SELECT Drafts")

    def fail(*_: object, **__: object) -> None:
        raise RuntimeError("the power went")

    monkeypatch.setattr(replace_service, "deliver", fail)
    assert say(client, "a", "REPLACE 1 Drafts ", b"new").startswith("a NO [SERVERBUG]")
    assert answer(client, "UID FETCH 1:* UID")[0] == "* 1 FETCH (UID 1)"
    assert body(client, "Drafts", 1) == b"x" * 300
    counters = queries.status([Entry.objects.get().mailbox_id])
    assert [one.messages for one in counters.values()] == [1]


def test_it_replaces_what_another_session_has_expunged_not(
    alice: User, client: Client, server: RunningServer
) -> None:
    add_numbered(alice.pk, 2)
    answer(client, "SELECT INBOX")
    with closing(signed_in(server)) as other:
        answer(other, "SELECT INBOX")
        answer(other, "STORE 1 +FLAGS.SILENT (\\Deleted)")
        answer(other, "EXPUNGE")
    # Written before the client could know of the expunge.
    client.socket.sendall(b"a NOOP\r\nb REPLACE 1 INBOX {3+}\r\nnew\r\nc NOOP\r\n")
    lines = [client.line()]
    while not lines[-1].startswith("c "):
        lines.append(client.line())
    refused = next(line for line in lines if line.startswith("b "))
    assert refused.startswith("b NO [EXPUNGEISSUED]")
    assert answer(client, "UID FETCH 1:* UID")[0] == "* 1 FETCH (UID 2)"


def test_it_tells_the_modseq_after_replace_once_condstore_is_enabled(
    alice: User, client: Client
) -> None:
    add_numbered(alice.pk, 1)
    answer(client, "ENABLE QRESYNC")
    answer(client, "SELECT INBOX")
    client.send("a REPLACE 1 INBOX {3+}\r\nnew")
    lines = [client.line()]
    while not lines[-1].startswith("a "):
        lines.append(client.line())
    assert re.fullmatch(r"\* OK \[APPENDUID \d+ 2\] .*", lines[0])
    assert "* VANISHED 1" in lines
    highest = re.search(r"a OK \[HIGHESTMODSEQ (\d+)\]", lines[-1])
    assert highest is not None
    status = answer(client, "STATUS INBOX (HIGHESTMODSEQ)")[0]
    assert status.endswith(f"(HIGHESTMODSEQ {highest[1]})")


# -- asked before it is sent ----------------------------------------------------------------------


@pytest.mark.parametrize("wait", ["NOOP", "IDLE"])
def test_it_asks_for_a_literal_that_nobody_foresaw(client: Client, wait: str) -> None:
    """Whatever handles it, a literal that was announced is asked for or refused."""
    client.send(f"a {wait}")
    assert client.line().startswith("+ " if wait == "IDLE" else "a OK")
    client.send("b APPEND INBOX {3}")
    assert client.line().startswith(("+ ", "a BAD"))
    if wait == "IDLE":
        assert client.line().startswith("+ ")
    client.send("xyz")
    assert client.line().startswith("b OK")
    client.send("c APPEND {5}")  # the name itself
    assert client.line().startswith("+ ")
    client.send("INBOX {3}")
    assert client.line().startswith("+ ")
    client.send("xyz")
    assert client.line().startswith("c OK")


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("APPEND Nowhere {1000}", "TRYCREATE"),
        ("APPEND Nowhere (\\Seen) CATENATE (TEXT {1000}", "TRYCREATE"),
        ("APPEND Nowhere UTF8 (~{1000}", "TRYCREATE"),
        ('APPEND "a//b" {1000}', "CANNOT"),
        ("append bob@example.test/INBOX {1000}", "TRYCREATE"),
    ],
)
def test_it_answers_before_the_literal_what_no_literal_can_change(
    client: Client, text: str, code: str
) -> None:
    client.send(f"a {text}")
    assert client.line().startswith(f"a NO [{code}]")
    assert answer(client, "NOOP") == ["x OK Nothing done"]
