"""mutt and NeoMutt at an IMAP account, driven by the keys that a person would press."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from email import message_from_bytes, policy

import pytest

from tests.clients.desk import HOST, Desk, letter
from tests.clients.page import snippet
from tests.clients.terminal import Terminal, terminal

# Beside what the page says: ask nothing and wait for no key, for nobody sits here.
ALONE = """\
set charset = utf-8
set realname = "A Reader"
set from = "%USER%"
set use_domain = no
set quit = yes
set delete = yes
set confirmappend = no
set confirmcreate = no
set move = no
set mark_old = no
set wait_key = no
set sleep_time = 0
set editor = "true"
set mail_check = 1
"""
DEFLATE = {"mutt": ["set imap_deflate = yes"], "neomutt": []}  # Debian's NeoMutt has no zlib
NO_TRASH = 'set trash = ""'
LETTERS = [letter(number, f"word{number}") for number in range(25)]
FOLDER = "Bücher/Über Äpfel & Birnen"
SECONDS = 20.0
TYPED = FOLDER.replace(" ", "<quote-char> ")  # a space alone completes a name
COMMANDS = re.compile(r"^(?:.*\d> )?(a\d{4} .*)", re.MULTILINE)
pytestmark = pytest.mark.parametrize(
    "program", ["mutt", pytest.param("neomutt", marks=pytest.mark.long)]
)  # the younger one shows letters in the short form too (test_letters.py)


def start(desk: Desk, program: str, keys: str, door: str, *more: str) -> list[str]:
    """The words to start it with; `keys` are pressed for it, in its names of functions."""
    (desk.home / ".cache/mutt/bodies").mkdir(parents=True, exist_ok=True)
    url = f"{'imaps' if door == 'IMAPS' else 'imap'}://%HOST%:%{door}%/"
    page = snippet("mutt").replace('"imaps://%HOST%/"', f'"{url}"')
    lines = [page, ALONE, *more, f'push "{keys}"' if keys else "", ""]
    config = desk.write(".muttrc", "\n".join(lines))
    log = ["-l", str(desk.home / ".neomuttdebug")] if program == "neomutt" else []
    return [program, "-n", "-F", str(config), "-d", "2", *log]


def press(desk: Desk, program: str, keys: str, *more: str, door: str = "IMAPS") -> list[str]:
    """Start it, have it press keys and quit; the IMAP commands that it sent."""
    words = start(desk, program, f"{keys}<quit>", door, *more)
    with terminal(words, desk.home, desk.environment()) as screen:
        status = screen.end(SECONDS)
        assert status == 0, screen.text()
    return sent(desk, program)


def sent(desk: Desk, program: str) -> list[str]:
    """The IMAP commands of its last run, from its own log."""
    log = desk.home / f".{program}debug0"
    return COMMANDS.findall(log.read_text(errors="replace")) if log.exists() else []


def texts(desk: Desk, folder: str) -> list[bytes]:
    return list(desk.messages(folder).values())


@pytest.fixture
def full(desk: Desk) -> Desk:
    """With 25 messages in INBOX: 20 unread, 5 read and answered."""
    with desk.imap() as client:
        client.create_folder(FOLDER)
    desk.put(*LETTERS[:20])
    desk.put(*LETTERS[20:], flags=[rb"\Seen", rb"\Answered"])
    return desk


@pytest.mark.parametrize("door", ["IMAPS", pytest.param("IMAP", marks=pytest.mark.long)])
def test_it_copies_a_folder_of_tagged_messages(full: Desk, program: str, door: str) -> None:
    before = full.flags()
    commands = press(
        full,
        program,
        f"<tag-pattern>~A<enter><tag-prefix><copy-message><kill-line>={TYPED}<enter>",
        door=door,
    )
    assert texts(full, FOLDER) == LETTERS
    assert texts(full, "INBOX") == LETTERS
    assert full.flags() == before == full.flags(FOLDER)
    assert any("UID COPY 1:25 " in command for command in commands)


def test_it_saves_deletes_and_syncs(full: Desk, program: str) -> None:
    press(
        full,
        program,
        "<tag-pattern>~R<enter><tag-prefix><save-message><kill-line>=Archive<enter>"
        "<delete-pattern>~s 'Letter 1$'<enter><sync-mailbox>"
        "<tag-pattern>~s 'Letter 2$'<enter><tag-prefix><flag-message><sync-mailbox>",
        NO_TRASH,
    )
    assert texts(full, "Archive") == LETTERS[20:]
    assert texts(full, "INBOX") == [LETTERS[0], *LETTERS[2:20]]
    assert {uid for uid, flags in full.flags().items() if rb"\Flagged" in flags} == {3}


def test_it_moves_what_is_deleted_to_trash(full: Desk, program: str) -> None:
    press(full, program, "<delete-pattern>~A<enter><sync-mailbox>")
    assert texts(full, "INBOX") == []
    assert texts(full, "Trash") == LETTERS


def test_it_reads_by_its_caches(full: Desk, program: str) -> None:
    read = "<first-entry><display-message><exit>"
    first = press(full, program, read)
    assert any("BODY.PEEK[HEADER.FIELDS" in command for command in first)
    assert rb"\Seen" in full.flags()[1]
    second = press(full, program, read)
    assert not any("BODY" in command for command in second)
    with full.imap() as client:
        client.select_folder("INBOX")
        client.delete_messages([2, 9])
        client.expunge()
        client.append("INBOX", letter(77))
    third = press(
        full, program, "<tag-pattern>~A<enter><tag-prefix><copy-message><kill-line>=Junk<enter>"
    )
    (headers,) = [command for command in third if "BODY" in command]
    assert "FETCH 24 " in headers
    left = [one for one in LETTERS if one not in (LETTERS[1], LETTERS[8])]
    assert texts(full, "Junk") == [*left, letter(77)]


def test_it_searches_on_the_server(full: Desk, program: str) -> None:
    commands = press(
        full,
        program,
        "<tag-pattern>=b 'word7'<enter><tag-prefix><copy-message><kill-line>=Archive<enter>"
        "<untag-pattern>~A<enter>"
        "<tag-pattern>=h 'Subject: Letter 12'<enter>"
        "<tag-prefix><copy-message><kill-line>=Junk<enter>",
    )
    assert texts(full, "Archive") == [LETTERS[7]]
    assert texts(full, "Junk") == [LETTERS[12]]
    assert sum("UID SEARCH" in command for command in commands) == 2


def test_it_writes_a_draft_and_takes_it_up_again(full: Desk, program: str) -> None:
    press(
        full,
        program,
        "<mail>bob@example.test<enter>Grüße aus Köln<enter><postpone-message>",
        "set abort_unmodified = no",
    )
    (draft,) = full.messages("Drafts").values()
    assert message_from_bytes(draft, policy=policy.default)["subject"] == "Grüße aus Köln"
    assert rb"\Draft" in full.flags("Drafts")[1]
    press(full, program, "<recall-message><edit-subject>!<enter><postpone-message>")
    (again,) = full.messages("Drafts").values()
    assert message_from_bytes(again, policy=policy.default)["subject"] == "Grüße aus Köln!"
    with full.imap() as client:
        client.select_folder("INBOX", readonly=True)
        assert client.search(["NOT", "SEEN"])[-1] == 20


def test_it_copies_to_another_account(full: Desk, program: str) -> None:
    """For the program the other door is another account: it must fetch and append."""
    other = f"imap://{HOST}:{full.port('IMAP')}/{TYPED}"
    commands = press(
        full,
        program,
        f"<tag-pattern>~A<enter><tag-prefix><copy-message><kill-line>{other}<enter>",
    )
    added = rb"(?m)^(Content-Length|Lines|Status|X-Status): .*\r\n"  # to what it appends
    assert [re.sub(added, b"", raw) for raw in texts(full, FOLDER)] == LETTERS
    assert full.flags(FOLDER) == full.flags()
    assert sum(" APPEND " in command for command in commands) == len(LETTERS)


@contextmanager
def waiting(desk: Desk, program: str) -> Iterator[Terminal]:
    """It has opened INBOX and waits for news there."""
    words = start(desk, program, "", "IMAPS", "set timeout = 1")  # it looks up from the keyboard
    with terminal(words, desk.home, desk.environment()) as screen:
        screen.wait_for(
            lambda: any(command.endswith(" IDLE") for command in sent(desk, program)),
            SECONDS,
            "IDLE",
        )
        yield screen


def test_it_hears_of_news_while_it_waits(full: Desk, program: str) -> None:
    with waiting(full, program) as screen:
        full.receive(letter(500))
        screen.wait_for(lambda: b"Letter 500" in screen.drawn, SECONDS, "new message")
        with full.imap() as client:
            client.select_folder("INBOX")
            client.add_flags([3], [rb"\Flagged"])
            client.delete_messages([1, 2])
            client.expunge()
        screen.press("q")
        assert screen.end(SECONDS) == 0
    assert len(full.messages()) == 24


def test_it_sends(desk: Desk, program: str) -> None:
    """By submission; a copy goes to Sent."""
    editor = desk.write("editor", "#!/bin/sh\nprintf 'Dear me,\\nÄpfel!\\n.\\n' >\"$1\"\n")
    editor.chmod(0o700)
    keys = f"<mail>{desk.address}<enter>Grüße<enter><send-message>"
    press(desk, program, keys, f'set editor = "{editor}"')
    desk.service.wait_for(lambda: desk.messages(), 60, "the message did not arrive")
    (received,) = desk.messages().values()
    (kept,) = desk.messages("Sent").values()
    assert desk.flags("Sent") == {1: {rb"\Seen"}}
    for raw in (received, kept):
        message = message_from_bytes(raw, policy=policy.default)
        assert message["subject"] == "Grüße"
        assert message.get_content().splitlines() == ["Dear me,", "Äpfel!", "."]


def test_it_catches_up_by_modseqs(full: Desk, program: str) -> None:
    """CONDSTORE and QRESYNC, which both need the cache of headers: only what changed is asked."""
    options = ["set imap_condstore = yes", "set imap_qresync = yes", *DEFLATE[program]]
    read = "<first-entry><display-message><exit>"
    first = press(full, program, read, *options)
    assert any("ENABLE QRESYNC" in command for command in first)
    with full.imap() as client:
        client.select_folder("INBOX")
        client.delete_messages([2, 9])
        client.expunge()
        client.add_flags([5], rb"\Flagged")
        client.append("INBOX", letter(77))
    keys = (
        "<tag-pattern>~F<enter><tag-prefix><copy-message><kill-line>=Archive<enter>"
        "<untag-pattern>~A<enter>"
        "<tag-pattern>~A<enter><tag-prefix><copy-message><kill-line>=Junk<enter>"
    )
    again = press(full, program, keys, *options)
    assert any(re.search(r"\(CHANGEDSINCE \d+ VANISHED\)", command) for command in again)
    left = [one for one in LETTERS if one not in (LETTERS[1], LETTERS[8])]
    assert texts(full, "Junk") == [*left, letter(77)]
    assert texts(full, "Archive") == [LETTERS[4]]
