"""Who speaks another protocol, and who only looks like it."""

import pytest

from apps.wire.foreign import is_foreign


@pytest.mark.parametrize(
    "line",
    [
        b"GET / HTTP/1.1",
        b"get / http/1.0",
        b"PROPFIND /x HTTP/1.1",
        b"BREW coffee://pot HTTP/2",
        b"POST /?a=%0d%0a",
        b"OPTIONS *",
        b"PRI * HTTP/2.0",
        b"Host: x",
        b"User-Agent: y",
        b"SSH-2.0-OpenSSH_9.2",
    ],
)
def test_it_knows_browsers_and_scanners(line: bytes) -> None:
    assert is_foreign(line)
    assert is_foreign(line, smtp=True)


@pytest.mark.parametrize("line", [b"EHLO me.test", b"helo", b"LHLO x"])
def test_it_knows_smtp_where_that_is_not_spoken(line: bytes) -> None:
    assert is_foreign(line)
    assert not is_foreign(line, smtp=True)


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b"a LOGIN bob HTTP/1.1",
        b"GETX NOOP",
        b"POSTMAN NOOP",
        b"a GET / HTTP",
        b"ehlo1 NOOP",
        b"USER head",
        b"LIST 1",
        b"MAIL FROM:<a@b.test>",
        b"SSHX NOOP",
    ],
)
def test_it_leaves_mail_clients_alone(line: bytes) -> None:
    assert not is_foreign(line)
