"""poplib, Python's own: every method it has."""

import imaplib
import poplib
from contextlib import closing

import pytest

from tests.clients.desk import HOST, Desk, letter

LETTERS = [letter(number) for number in range(5)]
UTF8 = "From: Pelé <pelé@example.com>\r\nSubject: Grüße\r\n\r\nGrüße\r\n".encode()


def text(lines: list[bytes]) -> bytes:
    return b"".join(line + b"\r\n" for line in lines)


def test_it_does_all_it_can(desk: Desk) -> None:
    desk.put(*LETTERS)
    with closing(poplib.POP3(HOST, desk.port("POP3"), timeout=30)) as client:
        assert client.getwelcome().startswith(b"+OK ")
        assert client.capa().keys() >= {"STLS", "TOP", "UIDL", "UTF8", "PIPELINING"}
        assert "USER" not in client.capa()
        assert client.stls(desk.trust()).startswith(b"+OK")
        assert client.capa()["SASL"] == [
            *("SCRAM-SHA-256-PLUS", "SCRAM-SHA-256", "PLAIN", "OAUTHBEARER", "XOAUTH2")
        ]
        assert client.user(desk.address).startswith(b"+OK")
        assert client.pass_(desk.password).startswith(b"+OK")
        assert client.stat() == (5, sum(map(len, LETTERS)))
        assert [line.split() for line in client.list()[1]] == [
            [b"%d" % number, b"%d" % len(raw)] for number, raw in enumerate(LETTERS, 1)
        ]
        ids = [line.split()[1] for line in client.uidl()[1]]
        assert len(set(ids)) == 5
        for number, raw in enumerate(LETTERS, 1):
            assert text(client.retr(number)[1]) == raw
        header, _, body = LETTERS[2].partition(b"\r\n\r\n")
        assert text(client.top(3, 0)[1]) == header + b"\r\n\r\n"
        assert text(client.top(3, 1)[1]) == header + b"\r\n\r\n" + body.splitlines(keepends=True)[0]
        assert client.dele(1).startswith(b"+OK")
        assert client.rset().startswith(b"+OK")
        assert client.dele(2).startswith(b"+OK")
        assert client.noop().startswith(b"+OK")
        assert client.quit().startswith(b"+OK")
    with desk.pop3() as client:
        assert [line.split()[1] for line in client.uidl()[1]] == [ids[0], *ids[2:]]
        for method in (client.rpop, lambda name: client.apop(name, desk.password)):
            with pytest.raises(poplib.error_proto):
                method(desk.address)
    assert list(desk.messages().values()) == [LETTERS[0], *LETTERS[2:]]


def test_it_gets_utf_8_if_it_asks_for_it(desk: Desk) -> None:
    port, trust = desk.port("IMAPS"), desk.trust()
    with imaplib.IMAP4_SSL(HOST, port, ssl_context=trust, timeout=30) as filing:
        filing.login(desk.address, desk.password)
        # RFC 6855 section 4. By its own `enable` it would write "UTF8 (" into the message.
        filing.xatom("ENABLE", "UTF8=ACCEPT")
        assert filing.append("INBOX", "", "", UTF8)[0] == "OK"
    with closing(
        poplib.POP3_SSL(HOST, desk.port("POP3S"), context=desk.trust(), timeout=30)
    ) as client:
        client.utf8()
        client.user(desk.address)
        client.pass_(desk.password)
        assert text(client.retr(1)[1]) == UTF8
        client.quit()
    with desk.pop3() as client:
        header, _, body = text(client.retr(1)[1]).partition(b"\r\n\r\n")
        assert header.isascii()
        assert body.decode() == "Grüße\r\n"
        client.quit()
