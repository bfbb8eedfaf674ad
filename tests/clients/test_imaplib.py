"""imaplib, Python's own: every command that it has a method for."""

import imaplib
import re
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime

import pytest

from tests.clients.desk import HOST, Desk, letter

LETTERS = [letter(number) for number in range(6)]
FOLDER = "B&APw-cher/M&AOQ-rchen"  # Bücher/Märchen: imaplib leaves names to its user
WHEN = datetime(2024, 2, 29, 12, 30, 15, tzinfo=UTC)


@pytest.fixture(params=["IMAPS", "IMAP"])
def client(desk: Desk, request: pytest.FixtureRequest) -> Iterator[imaplib.IMAP4]:
    """Signed in, with six messages in INBOX, one of them flagged, one read."""
    desk.put(*LETTERS[:4])
    desk.put(LETTERS[4], flags=[rb"\Flagged"])
    desk.put(LETTERS[5], flags=[rb"\Seen"])
    if request.param == "IMAPS":
        one: imaplib.IMAP4 = imaplib.IMAP4_SSL(
            HOST, desk.port("IMAPS"), ssl_context=desk.trust(), timeout=20
        )
    else:
        one = imaplib.IMAP4(HOST, desk.port("IMAP"), timeout=20)
        assert "LOGINDISABLED" in one.capabilities
        assert one.starttls(desk.trust())[0] == "OK"
    assert one.login(desk.address, desk.password)[0] == "OK"
    try:
        yield one
    finally:
        if one.state != "LOGOUT":
            one.shutdown()


def text(answer: tuple[str, Sequence[object]]) -> bytes:
    """The octets of the first literal."""
    status, data = answer
    assert status == "OK", data
    first = data[0]
    assert isinstance(first, tuple), data
    octets = first[1]
    assert isinstance(octets, bytes)
    return octets


def lines(answer: tuple[str, Sequence[object]]) -> list[bytes]:
    """Lines without literals."""
    status, data = answer
    assert status == "OK", data
    return [line for line in data if isinstance(line, bytes)]


def test_it_says_what_it_can(client: imaplib.IMAP4) -> None:
    words = client.capability()[1][0].split()
    wanted = b"IMAP4rev1 IDLE UIDPLUS MOVE NAMESPACE SPECIAL-USE CHILDREN UNSELECT ENABLE ID"
    assert {*wanted.split(), b"LITERAL+", b"SASL-IR"} <= set(words)
    assert b"LOGINDISABLED" not in words
    assert client.noop()[0] == "OK"
    assert client.namespace() == ("OK", [b'(("" "/")) (("Other Users/" "/")) (("Shared/" "/"))'])


def test_it_manages_folders(client: imaplib.IMAP4) -> None:
    assert client.create(FOLDER)[0] == "OK"
    assert client.create("Old")[0] == "OK"
    assert any(line.endswith(f'"{FOLDER}"'.encode()) for line in lines(client.list()))
    assert lines(client.list('""', "B&APw-cher/%")) == [
        rb'(\HasNoChildren) "/" "B&APw-cher/M&AOQ-rchen"'
    ]
    assert client.subscribe(FOLDER)[0] == "OK"
    assert any(line.endswith(f'"{FOLDER}"'.encode()) for line in lines(client.lsub()))
    assert client.unsubscribe(FOLDER)[0] == "OK"
    assert not any(line.endswith(f'"{FOLDER}"'.encode()) for line in lines(client.lsub()))
    assert client.rename("B&APw-cher", "Regal")[0] == "OK"
    names = [line.rpartition(b' "/" ')[2] for line in lines(client.list())]
    assert b'"Regal/M&AOQ-rchen"' in names
    assert not any(b"B&APw-cher" in name for name in names)
    assert client.delete("Regal/M&AOQ-rchen")[0] == "OK"
    assert client.delete("Old")[0] == "OK"
    for refused in (
        client.delete("Old"),
        client.delete("INBOX"),
        client.create("INBOX"),
        client.select("Old"),
        client.status("Old", "(MESSAGES)"),
    ):
        assert refused[0] == "NO"
    (status,) = lines(client.status("INBOX", "(MESSAGES RECENT UIDNEXT UIDVALIDITY UNSEEN)"))
    assert re.fullmatch(
        rb'"INBOX" \(MESSAGES 6 RECENT \d UIDNEXT 7 UIDVALIDITY \d+ UNSEEN 5\)', status
    )


def test_it_appends_and_fetches(client: imaplib.IMAP4, desk: Desk) -> None:
    when = imaplib.Time2Internaldate(WHEN)
    done = client.append("Sent", r"(\Seen $Label1)", when, LETTERS[0])
    assert done[0] == "OK"
    assert re.search(rb"\[APPENDUID \d+ 1\]", done[1][0])
    assert client.append("Nowhere", "", when, LETTERS[0])[0] == "NO"
    assert client.select("Sent") == ("OK", [b"1"])
    (line,) = lines(client.fetch("1", "(FLAGS INTERNALDATE RFC822.SIZE UID)"))
    assert imaplib.Internaldate2tuple(line)
    assert f"RFC822.SIZE {len(LETTERS[0])}".encode() in line
    assert set(imaplib.ParseFlags(line)) - {rb"\Recent"} == {rb"\Seen", b"$Label1"}
    assert (
        datetime.strptime(
            line.partition(b'INTERNALDATE "')[2].partition(b'"')[0].decode(), "%d-%b-%Y %H:%M:%S %z"
        )
        == WHEN
    )
    assert text(client.fetch("1", "(BODY.PEEK[])")) == LETTERS[0]
    assert text(client.fetch("1", "(BODY.PEEK[]<5.20>)")) == LETTERS[0][5:25]
    assert text(client.fetch("1", "(BODY.PEEK[]<100000.20>)")) == b""
    assert (
        text(client.fetch("1", "(BODY[HEADER.FIELDS (SUBJECT)])")) == b"Subject: Letter 0\r\n\r\n"
    )
    header, _, body = LETTERS[0].partition(b"\r\n\r\n")
    assert text(client.fetch("1", "(RFC822.HEADER)")) == header + b"\r\n\r\n"
    assert text(client.fetch("1", "(RFC822.TEXT)")) == body
    assert text(client.fetch("1", "(BODY[1])")) == body
    (all_,) = lines(client.fetch("1", "FULL"))
    assert b'"Letter 0"' in all_
    assert client.uid("FETCH", "1", "(BODY.PEEK[])")[0] == "OK"


def test_it_searches_with_literals(client: imaplib.IMAP4) -> None:
    client.select("INBOX", readonly=True)
    assert client.search(None, "ALL")[1] == [b"1 2 3 4 5 6"]
    assert client.search(None, "FLAGGED")[1] == [b"5"]
    assert client.search(None, "UNSEEN", "NOT", "FLAGGED")[1] == [b"1 2 3 4"]
    assert client.search(None, "OR", "SUBJECT", '"Letter 2"', "HEADER", "Message-ID", "letter-3")[
        1
    ] == [b"3 4"]
    assert client.search(None, "SINCE", "01-Jan-2020", "LARGER", "10", "2:4")[1] == [b"2 3 4"]
    client.literal = "Grüße".encode()  # type: ignore[assignment]
    assert client.search("UTF-8", "UID", "1:3", "BODY")[1] == [b"1 2 3"]
    client.literal = "Grüße aus".encode()  # type: ignore[assignment]
    assert client.uid("SEARCH", "CHARSET", "UTF-8", "TEXT")[1] == [b""]
    assert client.search("X-UNKNOWN", "ALL")[0] == "NO"
    with pytest.raises(imaplib.IMAP4.error):
        client.search(None, "NOSUCHKEY")
    assert client.noop()[0] == "OK"  # a BAD is no end


def test_it_stores_copies_and_expunges(client: imaplib.IMAP4, desk: Desk) -> None:
    client.create(FOLDER)
    client.select("INBOX")
    assert client.store("1:2", "+FLAGS.SILENT", r"(\Seen Work)")[1] == [None]
    assert {rb"\Seen", b"Work"} <= desk.flags()[2]
    answered = client.store("3", "FLAGS", r"(\Answered)")[1]
    assert b"Answered" in answered[0]
    assert client.store("1", "-FLAGS", "Work")[0] == "OK"
    assert client.copy("1,3", FOLDER)[0] == "OK"
    assert list(desk.messages("Bücher/Märchen").values()) == [LETTERS[0], LETTERS[2]]
    assert client.copy("1", "Nowhere")[0] == "NO"
    assert "TRYCREATE" in str(client.copy("1", "Nowhere"))
    assert client.uid("COPY", "6", FOLDER)[0] == "OK"
    assert client.store("2:3", "+FLAGS", r"\Deleted")[0] == "OK"
    assert client.expunge() == ("OK", [b"3", b"2"])
    assert client.check()[0] == "OK"
    assert client.store("1", "+FLAGS", r"\Deleted")[0] == "OK"
    assert client.close()[0] == "OK"  # CLOSE expunges without a word
    assert list(desk.messages().values()) == LETTERS[3:]
    client.select("INBOX")
    client.store("1", "+FLAGS", r"\Deleted")
    assert client.unselect()[0] == "OK"  # UNSELECT does not
    assert list(desk.messages().values()) == LETTERS[3:]


def test_it_opens_read_only(client: imaplib.IMAP4, desk: Desk) -> None:
    assert client.select("INBOX", readonly=True) == ("OK", [b"6"])
    assert client.response("READ-ONLY")[0] == "READ-ONLY"
    assert client.store("1", "+FLAGS", r"\Seen")[0] == "NO"
    assert text(client.fetch("1", "(BODY[])")) == LETTERS[0]
    assert client.close()[0] == "OK"
    assert desk.flags()[1] == set()


def test_it_moves_by_uid(client: imaplib.IMAP4, desk: Desk) -> None:
    imaplib.Commands.setdefault("MOVE", ("SELECTED",))
    client.select("INBOX")
    assert client.uid("MOVE", "2:3", "Archive")[0] == "OK"
    assert list(desk.messages("Archive").values()) == LETTERS[1:3]
    assert client.response("EXPUNGE") == ("EXPUNGE", [b"3", b"2"])


def test_it_sorts_and_threads(client: imaplib.IMAP4) -> None:
    client.select("INBOX")
    assert client.sort("(REVERSE DATE)", "UTF-8", "ALL") == ("OK", [b"6 5 4 3 2 1"])
    assert client.uid("SORT", "(SUBJECT)", "UTF-8", "UNSEEN") == ("OK", [b"1 2 3 4 5"])
    threads = client.thread("REFERENCES", "UTF-8", "ALL")
    assert threads == ("OK", [b"(1)(2)(3)(4)(5)(6)"])


def test_it_enables_and_hears_modseqs(client: imaplib.IMAP4) -> None:
    assert client.enable("CONDSTORE")[0] == "OK"
    assert client.response("ENABLED") == ("ENABLED", [b"CONDSTORE"])
    client.select("INBOX")
    answer = lines(client.store("1", "+FLAGS", r"(\Seen)"))
    assert re.fullmatch(rb"1 \(.*MODSEQ \(\d+\).*\)", answer[0])
    with pytest.raises(imaplib.IMAP4.error):
        client.xatom("XNOSUCH")
    assert client.noop()[0] == "OK"


def test_it_speaks_utf8(client: imaplib.IMAP4) -> None:
    assert client.enable("UTF8=ACCEPT")[0] == "OK"
    assert client.utf8_enabled
    assert client.create('"Ä/日本"')[0] == "OK"
    assert any(line.endswith('"Ä/日本"'.encode()) for line in lines(client.list()))
    assert client.append('"Ä/日本"', "", "", LETTERS[0])[0] == "OK"
    assert client.select('"Ä/日本"') == ("OK", [b"1"])
    assert client.search(None, 'TEXT "Grüße"') == ("OK", [b"1"])


def test_it_shares_and_asks_for_quota(client: imaplib.IMAP4) -> None:
    assert client.getacl("INBOX")[0] == "OK"
    assert lines(client.myrights("INBOX"))[0].startswith(b'"INBOX" lrswipkxte')
    assert client.setacl("INBOX", "anyone", "lr")[0] == "OK"
    assert b'"anyone" lr' in lines(client.getacl("INBOX"))[0]
    assert client.deleteacl("INBOX", "anyone")[0] == "OK"
    assert b"anyone" not in lines(client.getacl("INBOX"))[0]
    status, (roots, quotas) = client.getquotaroot("INBOX")
    assert (status, len(roots), len(quotas)) == ("OK", 1, 1)
    with pytest.raises(imaplib.IMAP4.error):
        client.setquota("", "(STORAGE 1)")


def test_it_annotates(client: imaplib.IMAP4) -> None:
    imaplib.Commands.setdefault("SETMETADATA", ("AUTH", "SELECTED"))
    imaplib.Commands.setdefault("GETMETADATA", ("AUTH", "SELECTED"))
    assert client.xatom("SETMETADATA", "INBOX", '(/private/comment "My own")')[0] == "OK"
    assert client.xatom("GETMETADATA", "INBOX", "/private/comment")[0] == "OK"
    assert b'(/private/comment "My own")' in client.response("METADATA")[1][0]


def test_it_hears_news_with_noop(client: imaplib.IMAP4, desk: Desk) -> None:
    client.select("INBOX")
    assert client.recent()[0] == "OK"
    desk.put(letter(50))

    def told() -> bool:
        client.noop()
        return b"7" in client.response("EXISTS")[1]

    desk.service.wait_for(told, 30, "7 EXISTS")
    assert client.logout()[0] == "BYE"


def test_it_signs_in_by_authenticate(desk: Desk) -> None:
    with imaplib.IMAP4_SSL(HOST, desk.port("IMAPS"), ssl_context=desk.trust(), timeout=20) as one:
        with pytest.raises(imaplib.IMAP4.error, match="AUTHENTICATIONFAILED"):
            one.authenticate("PLAIN", lambda _: b"\0nobody@example.test\0wrong")
        one.authenticate("PLAIN", lambda _: f"\0{desk.address}\0{desk.password}".encode())
        assert one.select()[0] == "OK"
