"""getmail takes mail over POP3, and remembers by unique ids what it has."""

from collections.abc import Iterator

import pytest

from tests.clients.collecting import Handed
from tests.clients.desk import Desk, Done, letter
from tests.clients.page import snippet
from tests.support.smtp_sink import SmtpSink

LETTERS = [letter(number, "x" * 900) for number in range(10)]


class Collector(Handed):
    """getmail, and what it has taken, without the field that it adds."""

    def plain(self) -> list[bytes]:
        return sorted(raw.removeprefix(b"Return-Path: <unknown>\r\n") for raw in self.texts())

    def configure(self, *, delete: bool) -> None:
        text = snippet(
            "getmail",
            port="port = %POP3S%",
            mailboxes="",
            delete=f"delete = {str(delete).lower()}",
        )
        maildir = "type = Maildir\npath = ~/Mail/\n"
        for imap, pop3 in ((maildir, self.destination), ("SimpleIMAPSSL", "SimplePOP3SSL")):
            assert imap in text
            text = text.replace(imap, pop3)
        self.desk.write(".config/getmail/getmailrc", text)

    def fetch(self) -> Done:
        return self.desk.run("getmail")


@pytest.fixture
def collector(desk: Desk) -> Iterator[Collector]:
    desk.put(*LETTERS)
    with SmtpSink(is_lmtp=True) as sink:
        yield Collector(desk, sink)


def test_it_keeps_what_it_takes(desk: Desk, collector: Collector) -> None:
    collector.configure(delete=False)
    collector.fetch()
    assert collector.plain() == sorted(LETTERS)
    assert list(desk.messages().values()) == LETTERS

    assert "0 messages" in collector.fetch().said
    assert len(collector.texts()) == len(LETTERS)

    desk.receive(letter(50))
    assert "1 messages" in collector.fetch().said
    assert len(collector.texts()) == len(LETTERS) + 1


def test_it_deletes_what_it_takes(desk: Desk, collector: Collector) -> None:
    collector.configure(delete=True)
    collector.fetch()
    assert collector.plain() == sorted(LETTERS)
    assert desk.messages() == {}
    collector.fetch()
    assert len(collector.texts()) == len(LETTERS)
