"""getmail takes mail over POP3, and remembers by unique ids what it has."""

import pytest

from tests.clients.collecting import Collection
from tests.clients.desk import Desk, Done, letter

CONFIG = """\
[retriever]
type = SimplePOP3SSLRetriever
server = %HOST%
port = %POP3S%
username = %USER%
password = %PASSWORD%
ca_certs = %CA%

[destination]
type = MDA_external
path = %HOME%/deliver
allow_root_commands = true

[options]
delete = %DELETE%
delete_after = %DAYS%
read_all = false
received = false
delivered_to = false
"""
LETTERS = [letter(number, "x" * 900) for number in range(10)]


class Collector(Collection):
    """getmail, and what it has taken, without the field that it adds."""

    def plain(self) -> list[bytes]:
        return sorted(raw.removeprefix(b"Return-Path: <unknown>\r\n") for raw in self.texts())

    def configure(self, *, delete: bool) -> None:
        self.desk.write(".getmail/getmailrc", CONFIG, DELETE=str(delete).lower(), DAYS=0)

    def fetch(self) -> Done:
        return self.desk.run("getmail", "--getmaildir", self.desk.home / ".getmail")


@pytest.fixture
def collector(desk: Desk) -> Collector:
    desk.put(*LETTERS)
    return Collector(desk)


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
