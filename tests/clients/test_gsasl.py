"""GNU SASL's own client signs in with SCRAM-SHA-256-PLUS: somebody else's idea of channel binding,
over somebody else's TLS (GnuTLS)."""

import base64
import re

import pytest

from tests.clients.desk import HOST, Desk

OLD_TLS = "--priority=NORMAL:-VERS-TLS1.3"


def sign_in(desk: Desk, door: str, mechanism: str, *more: str) -> str:
    """All that both sides said."""
    protocol = "--imap" if door == "IMAP" else "--smtp"
    words = ("gsasl", protocol, "--verbose", f"--connect={HOST}:{desk.port(door)}")
    who = (f"--authentication-id={desk.address}", f"--password={desk.password}")
    trust = (f"--x509-ca-file={desk.authority}",)
    chosen = (f"--mechanism={mechanism}",) if mechanism else ()
    return desk.run(*words, *who, *trust, *chosen, *more).said


def header(said: str) -> str:
    """The gs2-header of the client's first message."""
    lines = r"^(?:AUTH \S+ |\. AUTHENTICATE \S+ )?([A-Za-z0-9+/]{20,}=*)$"
    first = re.findall(lines, said, re.MULTILINE)[0]
    return base64.b64decode(first).decode().partition("n=")[0]


@pytest.mark.parametrize(
    ("more", "kind"), [((), "p=tls-exporter,,"), ((OLD_TLS,), "p=tls-unique,,")]
)
def test_it_binds_to_its_tls(desk: Desk, more: tuple[str, ...], kind: str) -> None:
    said = sign_in(desk, "IMAP", "SCRAM-SHA-256-PLUS", *more)
    assert header(said) == kind
    assert "server trusted" in said
    assert "Signed in" in said


def test_it_chooses_to_bind(desk: Desk) -> None:
    assert ". AUTHENTICATE SCRAM-SHA-256-PLUS" in sign_in(desk, "IMAP", "")


@pytest.mark.parametrize("door", ["IMAP", "SUBMISSION"])
def test_it_signs_in_without_binding(desk: Desk, door: str) -> None:
    assert header(sign_in(desk, door, "SCRAM-SHA-256", "--no-cb")) == "n,,"
