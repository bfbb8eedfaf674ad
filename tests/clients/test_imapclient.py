"""IMAPClient, the library that most Python programs use: all that it has a method for."""

import time
from collections.abc import Iterator
from datetime import date, datetime, timedelta, timezone

import pytest
from imapclient import IMAPClient, SocketTimeout
from imapclient.exceptions import CapabilityError, IMAPClientError, LoginError

from tests.clients.desk import HOST, Desk, letter

FOLDER = "Bücher/Märchen & Sagen/日本語"
LETTERS = [letter(number) for number in range(8)]
MULTIPART = (
    b"From: =?utf-8?Q?J=C3=B6rg?= <joerg@outside.invalid>\r\nTo: a@example.test, b@example.test\r\n"
    b"Subject: =?utf-8?B?w5xiZXJzY2hyaWZ0?=\r\nDate: Tue, 02 Jan 2024 10:00:00 +0100\r\n"
    b"MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=x\r\n\r\n"
    b"--x\r\nContent-Type: text/plain; charset=utf-8\r\n\r\nHello\r\n"
    b"--x\r\nContent-Type: application/pdf; name*=utf-8''%E2%82%AC.pdf\r\n"
    b"Content-Transfer-Encoding: base64\r\nContent-Disposition: attachment\r\n\r\nQUJD\r\n--x--\r\n"
)


@pytest.fixture
def client(desk: Desk) -> Iterator[IMAPClient]:
    desk.put(*LETTERS)
    with desk.imap() as one:
        yield one


def test_it_knows_the_special_folders(client: IMAPClient) -> None:
    for use, name in (
        (rb"\Sent", "Sent"),
        (rb"\Drafts", "Drafts"),
        (rb"\Trash", "Trash"),
        (rb"\Junk", "Junk"),
        (rb"\Archive", "Archive"),
    ):
        assert client.find_special_folder(use) == name
    assert client.find_special_folder(rb"\Flagged") is None
    flags, delimiter, name = next(one for one in client.list_folders() if one[2] == "Sent")
    assert (rb"\Sent" in flags, delimiter, name) == (True, b"/", "Sent")
    with pytest.raises(CapabilityError):
        client.xlist_folders()


def test_it_manages_folders_of_any_name(client: IMAPClient) -> None:
    for name in (FOLDER, "With space", 'Quote " and \\ back', "100%", "Äpfel*", "~peter", "a&b"):
        client.create_folder(name)
        assert client.folder_exists(name)
        client.subscribe_folder(name)
        assert name in {one[2] for one in client.list_sub_folders()}
        client.unsubscribe_folder(name)
        client.append(name, LETTERS[0])
        assert client.select_folder(name)[b"EXISTS"] == 1
        assert client.folder_status(name)[b"MESSAGES"] == 1
        client.close_folder()
        client.rename_folder(name, f"{name} neu")
        names = {one[2] for one in client.list_folders()}
        assert f"{name} neu" in names
        assert name not in names
        client.delete_folder(f"{name} neu")
        with pytest.raises(IMAPClientError, match="No such mailbox"):
            client.select_folder(name)
    assert {one[2] for one in client.list_folders("Bücher", "/%")} == {"Bücher/Märchen & Sagen"}


def test_it_says_who_it_is_and_what_it_can(client: IMAPClient) -> None:
    assert client.id_({"name": "IMAPClient", "version": "3"})[0][:2] == (b"name", b"mailhost")
    assert client.namespace() == ((("", "/"),), (("Other Users/", "/"),), (("Shared/", "/"),))
    assert client.has_capability("UIDPLUS")


def test_it_sorts_and_threads(client: IMAPClient) -> None:
    client.append("INBOX", LETTERS[0].replace(b"Subject:", b"Subject: Re:"))
    client.select_folder("INBOX")
    assert client.sort(["REVERSE SUBJECT"]) == [8, 7, 6, 5, 4, 3, 2, 1, 9]
    assert client.sort("SUBJECT", ["SUBJECT", "Letter 0"]) == [1, 9]
    assert len(client.thread("REFERENCES")) == 8
    assert (1, 9) in client.thread("ORDEREDSUBJECT", "UNSEEN")


def test_it_enables_what_changes_answers(client: IMAPClient) -> None:
    assert set(client.enable("CONDSTORE", "QRESYNC", "X-NOTHING")) >= {b"QRESYNC"}
    opened = client.select_folder("INBOX")
    client.add_flags([1], rb"\Flagged")
    since = opened[b"HIGHESTMODSEQ"]
    changed = client.fetch(range(1, 9), ["FLAGS"], [f"CHANGEDSINCE {since}"])
    assert list(changed) == [1]
    assert changed[1][b"MODSEQ"][0] > since


def test_it_shares_and_asks_for_quota(client: IMAPClient) -> None:
    client.setacl("INBOX", "anyone", "lr")
    assert (b'"anyone"', b"lr") in client.getacl("INBOX")
    client._imap.deleteacl("INBOX", "anyone")  # the other readers of this service would see it
    roots, quotas = client.get_quota_root("INBOX")
    assert roots.mailbox == "INBOX"
    assert {one.resource for one in quotas} <= {"STORAGE", "MESSAGE"}


def test_it_fetches_parsed_values(client: IMAPClient) -> None:
    when = datetime(2024, 1, 2, 3, 4, 5, tzinfo=timezone(timedelta(hours=5, minutes=30)))
    uid = 9
    assert b"APPENDUID" in client.append("INBOX", MULTIPART, [rb"\Flagged", "$Forwarded"], when)
    assert client.select_folder("INBOX")[b"UIDNEXT"] == 10
    client.normalise_times = False
    wanted = ["ENVELOPE", "BODYSTRUCTURE", "INTERNALDATE", "RFC822.SIZE", "FLAGS", "UID", "BODY"]
    found = client.fetch([uid], wanted)[uid]
    envelope = found[b"ENVELOPE"]
    assert envelope.subject == b"=?utf-8?B?w5xiZXJzY2hyaWZ0?="
    assert [str(one) for one in envelope.to] == ["a@example.test", "b@example.test"]
    assert envelope.date == datetime(2024, 1, 2, 10, tzinfo=timezone(timedelta(hours=1)))
    assert found[b"INTERNALDATE"] == when
    assert found[b"RFC822.SIZE"] == len(MULTIPART)
    assert set(found[b"FLAGS"]) - {rb"\Recent"} == {rb"\Flagged", b"$Forwarded"}
    structure = found[b"BODYSTRUCTURE"]
    assert structure.is_multipart
    assert [part[:2] for part in structure[0]] == [(b"text", b"plain"), (b"application", b"pdf")]
    parts = client.fetch([uid], ["BODY.PEEK[1]", "BODY.PEEK[2]", "BODY.PEEK[2.MIME]"])[uid]
    assert parts[b"BODY[1]"] == b"Hello"
    assert parts[b"BODY[2]"] == b"QUJD"
    assert b"application/pdf" in parts[b"BODY[2.MIME]"]
    piece = client.fetch([uid], ["BODY.PEEK[TEXT]<3.10>"])[uid]
    assert piece[b"BODY[TEXT]<3>"] == MULTIPART.partition(b"\r\n\r\n")[2][3:13]
    assert client.fetch([], ["FLAGS"]) == {}
    assert client.fetch([4711], ["FLAGS"]) == {}
    client.use_uid = False
    assert client.fetch([9], ["UID"])[9][b"UID"] == 9


def test_it_searches_in_any_script(client: IMAPClient) -> None:
    client.append("INBOX", MULTIPART)
    client.select_folder("INBOX", readonly=True)
    assert client.search("ALL") == list(range(1, 10))
    assert client.search(["SUBJECT", "Überschrift"], "UTF-8") == [9]
    assert client.search(["FROM", "Jörg"], "UTF-8") == [9]
    assert client.search(["BODY", "Grüße", "UID", "2:4"], "UTF-8") == [2, 3, 4]
    assert client.search(["TEXT", "日本語"], "UTF-8") == []
    assert client.search(["BODY", "Grüße".encode("latin-1"), "UID", "2:3"], "iso-8859-1") == [2, 3]
    assert client.search(["SENTSINCE", date(2024, 1, 2)]) == [9]
    assert client.search(["OR", ["SUBJECT", 'Letter "1"'], ["SUBJECT", "Letter 1"]]) == [2]
    assert client.search(["NOT", ["OR", "UID", "1:3", "UID", "5:9"]]) == [4]


def test_it_changes_flags(client: IMAPClient, desk: Desk) -> None:
    client.select_folder("INBOX")
    assert {rb"\Seen", b"Wichtig"} <= set(client.set_flags([1, 2], [rb"\Seen", "Wichtig"])[1])
    assert client.add_flags([2], [rb"\Flagged"], silent=True) is None
    client.remove_flags([1], [rb"\Seen"])
    assert desk.flags()[1] == {b"Wichtig"}
    assert desk.flags()[2] == {rb"\Seen", b"Wichtig", rb"\Flagged"}
    assert set(client.get_flags([2])[2]) >= {rb"\Flagged", b"Wichtig"}
    assert client.search("FLAGGED") == [2]


def test_it_copies_moves_and_expunges(client: IMAPClient, desk: Desk) -> None:
    client.create_folder(FOLDER)
    client.select_folder("INBOX")
    client.copy([1, 3], FOLDER)
    client.move([2, 4], FOLDER)
    assert list(desk.messages(FOLDER).values()) == [LETTERS[number] for number in (0, 2, 1, 3)]
    assert client.search() == [1, 3, 5, 6, 7, 8]
    client.delete_messages([1, 3])
    client.expunge([3])  # UID EXPUNGE
    assert client.search() == [1, 5, 6, 7, 8]
    client.remove_flags([1], [rb"\Deleted"])
    client.expunge()
    assert client.search() == [1, 5, 6, 7, 8]
    client.add_flags([1], [rb"\Deleted"])
    client.unselect_folder()
    assert len(desk.messages()) == 5
    client.select_folder("INBOX")
    client.close_folder()
    assert len(desk.messages()) == 4
    client.select_folder("INBOX")
    with pytest.raises(IMAPClientError, match="TRYCREATE"):
        client.copy([5], "Nowhere")


def test_it_appends_many(client: IMAPClient, desk: Desk) -> None:
    client.create_folder(FOLDER)
    for message in LETTERS:
        client.append(FOLDER, message, [rb"\Seen"])
    assert list(desk.messages(FOLDER).values()) == LETTERS
    client.multiappend(FOLDER, [LETTERS[0], {"msg": LETTERS[1], "flags": [rb"\Seen"]}])
    assert list(desk.messages(FOLDER).values()) == [*LETTERS, *LETTERS[:2]]
    assert desk.flags(FOLDER)[10] == {rb"\Seen"}


def test_it_idles(client: IMAPClient, desk: Desk) -> None:
    client.select_folder("INBOX")
    client.idle()
    desk.receive(letter(60))
    assert (9, b"EXISTS") in _news(client, b"EXISTS")
    with desk.imap() as other:
        other.select_folder("INBOX")
        other.add_flags([2], [rb"\Flagged"])
        assert any(b"FLAGS" in str(line).encode() for line in _news(client, b"FETCH"))
        other.delete_messages([1])
        other.expunge()
        assert (1, b"EXPUNGE") in _news(client, b"EXPUNGE")
    client.idle_done()
    assert client.search() == [2, 3, 4, 5, 6, 7, 8, 9]


def _news(client: IMAPClient, kind: bytes) -> list[tuple[object, ...]]:
    """What IDLE tells, up to the first line of this kind."""
    heard: list[tuple[object, ...]] = []
    deadline = time.monotonic() + 10
    while not any(kind in line for line in heard):
        assert time.monotonic() < deadline, heard
        heard += client.idle_check(timeout=10)
    return heard


def test_it_starts_tls_and_fails_to_sign_in(desk: Desk) -> None:
    one = IMAPClient(HOST, desk.port("IMAP"), ssl=False, timeout=SocketTimeout(10, 20))
    try:
        assert one.has_capability("LOGINDISABLED")
        one.starttls(desk.trust())
        with pytest.raises(LoginError):
            one.login(desk.address, "wrong")
        one.plain_login(desk.address, desk.password)
        assert one.select_folder("INBOX")[b"EXISTS"] == 0
    except BaseException:
        one.shutdown()
        raise
    assert one.logout()
