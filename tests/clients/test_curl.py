"""curl at both IMAP doors: RFC 5092 URLs, custom commands, uploads."""

import re
from urllib.parse import quote

import pytest

from tests.clients.desk import HOST, Desk, Done, letter

FOLDER = "Bücher/Märchen"
ON_THE_WIRE = "B&APw-cher/M&AOQ-rchen"
REMOTE_FILE_NOT_FOUND = 78
LOGIN_DENIED = 67
LETTERS = [letter(number) for number in range(5)]


class Curl:
    """curl, signed in at one of the doors; with STARTTLS it must come about (`--ssl-reqd`)."""

    def __init__(self, desk: Desk, door: str) -> None:
        self.desk = desk
        self.base = f"{door.lower()}://{HOST}:{desk.port(door)}"
        self.words = ["curl", "-sS", "--max-time", "30", "--cacert", str(desk.authority)]
        if door == "IMAP":
            self.words.append("--ssl-reqd")

    def __call__(self, path: str, *more: str, statuses: tuple[int, ...] = (0,)) -> Done:
        account = ("-u", f"{self.desk.address}:{self.desk.password}")
        return self.desk.run(*self.words, *account, *more, f"{self.base}/{path}", statuses=statuses)

    def fetch(self, path: str) -> bytes:
        """What a URL names, octet for octet."""
        self(path, "-o", "fetched")
        return (self.desk.home / "fetched").read_bytes()


@pytest.fixture(params=["IMAPS", "IMAP"])
def curl(desk: Desk, request: pytest.FixtureRequest) -> Curl:
    with desk.imap() as client:
        client.create_folder(FOLDER)
    desk.put(*LETTERS)
    return Curl(desk, request.param)


def test_it_lists_folders(curl: Curl) -> None:
    lines = curl("").stdout.splitlines()
    assert r'* LIST (\HasNoChildren) "/" "INBOX"' in lines
    assert any(f'"{ON_THE_WIRE}"' in line for line in lines)
    assert any(r"\Sent" in line and '"Sent"' in line for line in lines)
    assert "Sent" in curl("", "-X", 'LSUB "" "%"').stdout


def test_it_opens_a_folder_and_asks_for_its_state(curl: Curl) -> None:
    opened = curl("", "-X", "EXAMINE INBOX").stdout
    assert "* 5 EXISTS" in opened
    assert "UIDVALIDITY" in opened
    status = curl("", "-X", "STATUS INBOX (MESSAGES UNSEEN UIDNEXT)").stdout
    assert "MESSAGES 5 UNSEEN 5 UIDNEXT 6" in status


def test_it_fetches_by_url(desk: Desk, curl: Curl) -> None:
    assert curl.fetch("INBOX;UID=3") == LETTERS[2]
    assert curl.fetch("INBOX;MAILINDEX=1") == LETTERS[0]
    header, _, body = LETTERS[3].partition(b"\r\n\r\n")
    assert curl.fetch("INBOX;UID=4;SECTION=HEADER") == header + b"\r\n\r\n"
    assert curl.fetch("INBOX;UID=4;SECTION=TEXT") == body
    assert curl.fetch("INBOX;UID=4;SECTION=HEADER.FIELDS%20(SUBJECT)") == (
        b"Subject: Letter 3\r\n\r\n"
    )
    validity = re.search(r"UIDVALIDITY (\d+)", curl("", "-X", "EXAMINE INBOX").stdout)
    assert validity is not None
    assert curl.fetch(f"INBOX;UIDVALIDITY={validity[1]};UID=5") == LETTERS[4]
    curl(f"INBOX;UIDVALIDITY={int(validity[1]) + 1};UID=5", statuses=(REMOTE_FILE_NOT_FOUND,))
    curl("INBOX;UID=99", statuses=(REMOTE_FILE_NOT_FOUND,))
    assert rb"\Seen" in desk.flags()[3]


def test_it_searches(curl: Curl) -> None:
    assert curl("INBOX?ALL").stdout == "* SEARCH 1 2 3 4 5\n"
    assert curl("INBOX?SUBJECT%20%22Letter%202%22").stdout == "* SEARCH 3\n"
    assert curl("INBOX?FLAGGED").stdout == "* SEARCH\n"
    found = curl("INBOX", "-X", 'UID SEARCH CHARSET UTF-8 BODY "Grüße" UID 2:4').stdout
    assert found == "* SEARCH 2 3 4\n"


@pytest.mark.parametrize(
    "message",
    [
        letter(70),
        b"Subject: \xfcberall\r\n\r\nBody in Latin-1: \xe4\r\n.\r\n",
        b"Subject: no line end\r\n\r\nlast line",
        b"Subject: big\r\n\r\n" + b"0123456789 abcdefghijklmnopqrstuvwxyz\r\n" * 30_000,
    ],
    ids=["ordinary", "eight-bit", "unended", "large"],
)
def test_it_appends_and_fetches_back(desk: Desk, curl: Curl, message: bytes) -> None:
    (desk.home / "message.eml").write_bytes(message)
    folder = quote(ON_THE_WIRE)
    curl(folder, "-T", "message.eml")
    assert curl.fetch(f"{folder};UID=1") == message
    assert desk.flags(FOLDER) == {1: {rb"\Seen"}}


def test_it_changes_folders_and_flags(desk: Desk, curl: Curl) -> None:
    curl("", "-X", "CREATE New")
    curl("", "-X", "RENAME New Newer")
    curl("", "-X", "SUBSCRIBE Newer")
    curl("INBOX", "-X", "STORE 1 +FLAGS (\\Flagged)")
    curl("INBOX", "-X", "COPY 1:2 Newer")
    curl("INBOX", "-X", "UID MOVE 4 Newer")
    curl("INBOX", "-X", "STORE 2 +FLAGS.SILENT (\\Deleted)")
    curl("INBOX", "-X", "EXPUNGE")
    assert list(desk.messages().values()) == [LETTERS[0], LETTERS[2], LETTERS[4]]
    assert list(desk.messages("Newer").values()) == [LETTERS[0], LETTERS[1], LETTERS[3]]
    assert rb"\Flagged" in desk.flags("Newer")[1]
    curl("", "-X", "DELETE Newer")
    with desk.imap() as client:
        assert not client.folder_exists("Newer")


def test_it_signs_in_in_one_round_trip(curl: Curl) -> None:
    done = curl("", "-v", "--sasl-ir")
    assert re.search(r"> A\d+ AUTHENTICATE PLAIN \S+", done.stderr)


def test_it_is_refused_with_a_wrong_password(desk: Desk, curl: Curl) -> None:
    curl("", "-u", f"{desk.address}:wrong", statuses=(LOGIN_DENIED,))


def test_it_sends_no_password_in_the_clear(desk: Desk) -> None:
    """Without TLS no way to sign in is offered (LOGINDISABLED), and curl sends nothing."""
    done = desk.run(
        *("curl", "-sS", "-v", "--max-time", "20", "-u", f"{desk.address}:{desk.password}"),
        f"imap://{HOST}:{desk.port('IMAP')}/",
        statuses=(LOGIN_DENIED,),
    )
    assert "LOGINDISABLED" in done.stderr
    assert set(re.findall(r"> A\d+ (\w+)", done.stderr)) <= {"CAPABILITY", "LOGOUT"}
