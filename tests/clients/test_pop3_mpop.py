"""mpop takes mail over POP3, commands pipelined, into a Maildir."""

from pathlib import Path

import pytest

from tests.clients import maildir
from tests.clients.desk import Desk, Done, letter
from tests.clients.page import snippet

LARGE = b"Subject: large\r\n\r\n" + b".0123456789 abcdefghijklmnopqrstuvwxyz\r\n" * 20_000
LETTERS = [*(letter(number) for number in range(40)), LARGE]


class Mpop:
    """mpop, and the Maildir it fills."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk
        self.folder: Path = desk.home / "Mail"
        maildir.make(self.folder)

    def configure(self, *, keep: bool, door: str = "POP3S", auth: str = "plain") -> None:
        text = snippet(
            "mpop",
            port=f"port %{door}%",
            tls_starttls=f"tls_starttls {'on' if door == 'POP3' else 'off'}",
            auth=f"auth {auth}",
            keep=f"keep {'on' if keep else 'off'}",
        )
        self.desk.write(".mpoprc", text)

    def fetch(self) -> Done:
        return self.desk.run("mpop", "--debug")

    def texts(self) -> list[bytes]:
        return sorted(one.raw for one in maildir.messages(self.folder))


@pytest.fixture
def mpop(desk: Desk) -> Mpop:
    desk.put(*LETTERS)
    return Mpop(desk)


@pytest.mark.parametrize(
    ("door", "auth"), [("POP3S", "plain"), ("POP3", "user"), ("POP3S", "scram-sha-256")]
)
def test_it_keeps_what_it_takes(desk: Desk, mpop: Mpop, door: str, auth: str) -> None:
    mpop.configure(keep=True, door=door, auth=auth)
    mpop.fetch()
    assert mpop.texts() == sorted(LETTERS)
    assert list(desk.messages().values()) == LETTERS

    assert "RETR" not in mpop.fetch().said
    assert len(mpop.texts()) == len(LETTERS)

    desk.receive(letter(50))
    assert mpop.fetch().said.count("RETR") == 1
    assert len(mpop.texts()) == len(LETTERS) + 1


def test_it_deletes_what_it_takes(desk: Desk, mpop: Mpop) -> None:
    mpop.configure(keep=False)
    mpop.fetch()
    assert mpop.texts() == sorted(LETTERS)
    assert desk.messages() == {}
    mpop.fetch()
    assert len(mpop.texts()) == len(LETTERS)
