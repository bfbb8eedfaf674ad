"""getmail takes mail over IMAP and hands it on."""

import re
from collections.abc import Iterator

import pytest

from tests.clients.collecting import Handed
from tests.clients.desk import Desk, Done, letter
from tests.clients.page import snippet
from tests.support.smtp_sink import SmtpSink

FOLDER = "Bücher/Märchen"
LETTERS = [letter(number) for number in range(12)]


class Collector(Handed):
    """getmail, and what it has taken, without the two fields that it adds."""

    def plain(self) -> list[bytes]:
        added = rb"(?m)^(X-getmail-retrieved-from-mailbox: .*|Return-Path: <unknown>)\r\n"
        return sorted(re.sub(added, b"", raw) for raw in self.texts())

    def configure(self, *, delete: bool = False) -> None:
        text = snippet(
            "getmail",
            mailboxes=f'mailboxes = ("INBOX", "{FOLDER}")',
            delete=f"delete = {str(delete).lower()}",
        )
        maildir = "type = Maildir\npath = ~/Mail/\n"
        assert maildir in text
        self.desk.write(".config/getmail/getmailrc", text.replace(maildir, self.destination))

    def fetch(self) -> Done:
        return self.desk.run("getmail")


@pytest.fixture
def collector(desk: Desk) -> Iterator[Collector]:
    with desk.imap() as client:
        client.create_folder(FOLDER)
    desk.put(*LETTERS[:8])
    desk.put(*LETTERS[8:], folder=FOLDER)
    with SmtpSink(is_lmtp=True) as sink:
        yield Collector(desk, sink)


def test_it_keeps_what_it_takes(desk: Desk, collector: Collector) -> None:
    collector.configure()
    collector.fetch()
    assert collector.plain() == sorted(LETTERS)
    assert sorted([*desk.messages().values(), *desk.messages(FOLDER).values()]) == sorted(LETTERS)

    before = desk.flags(), desk.flags(FOLDER)
    done = collector.fetch()
    assert "Retrieved" not in done.stdout
    assert collector.plain() == sorted(LETTERS)
    assert (desk.flags(), desk.flags(FOLDER)) == before

    desk.receive(letter(50))
    collector.fetch()
    assert len(collector.texts()) == len(LETTERS) + 1


def test_it_deletes_what_it_takes(desk: Desk, collector: Collector) -> None:
    collector.configure(delete=True)
    collector.fetch()
    assert collector.plain() == sorted(LETTERS)
    assert desk.messages() == desk.messages(FOLDER) == {}
    collector.fetch()
    assert len(collector.texts()) == len(LETTERS)
