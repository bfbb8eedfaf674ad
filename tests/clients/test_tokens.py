"""Sign-in with a token of ours, by programs that know OAUTHBEARER or XOAUTH2."""

import json
import re

import pytest
from imapclient import IMAPClient
from imapclient.exceptions import LoginError

from tests.clients.desk import HOST, Desk, Done, letter

LOGIN_DENIED = 67


@pytest.fixture
def token(desk: Desk) -> str:
    made = desk.service.manage("token", "issue", desk.address, "Reader", "--json")
    return str(json.loads(made)["token"])


def curl(desk: Desk, door: str, token: str, *more: str, status: int = 0) -> Done:
    scheme = "smtp" if door == "SUBMISSION" else door.lower()
    url = f"{scheme}://{HOST}:{desk.port(door)}/"
    words = ["curl", "-sSv", "--max-time", "30", "--cacert", str(desk.authority)]
    if not door.endswith("S"):
        words.append("--ssl-reqd")
    who = ("-u", f"{desk.address}:", "--oauth2-bearer", token)
    return desk.run(*words, *who, *more, url, statuses=(status,))


@pytest.mark.parametrize("door", ["IMAPS", "IMAP", "POP3S", "POP3"])
def test_it_reads_with_a_token(desk: Desk, token: str, door: str) -> None:
    desk.put(letter(1))
    done = curl(desk, door, token)
    assert ("INBOX" if "IMAP" in door else "1 ") in done.stdout
    assert re.search(r"> (?:\S+ )?AUTH(?:ENTICATE)? OAUTHBEARER\b", done.stderr)


@pytest.mark.parametrize("door", ["IMAPS", "POP3S"])
def test_it_is_told_that_a_token_is_not_good(desk: Desk, token: str, door: str) -> None:
    curl(desk, door, f"{token}x", status=LOGIN_DENIED)


def test_it_sends_with_a_token(desk: Desk, token: str) -> None:
    text = letter(3).decode().replace("carol@outside.invalid", desk.address)
    mail = desk.write("mail.txt", text)
    envelope = ("--mail-from", desk.address, "--mail-rcpt", desk.address)
    done = curl(desk, "SUBMISSION", token, *envelope, "-T", str(mail))
    assert "< 235 2.7.0" in done.stderr
    assert "< 250 2.0.0" in done.stderr


def test_it_signs_in_by_xoauth2(desk: Desk, token: str) -> None:
    with IMAPClient(HOST, desk.port("IMAPS"), ssl_context=desk.trust()) as client:
        client.oauth2_login(desk.address, token)
        assert client.select_folder("INBOX")[b"EXISTS"] == 0


def test_it_is_refused_by_xoauth2(desk: Desk, token: str) -> None:
    with IMAPClient(HOST, desk.port("IMAPS"), ssl_context=desk.trust()) as client:
        with pytest.raises(LoginError, match="Authentication failed"):
            client.oauth2_login(desk.address, f"{token}x")
        client.oauthbearer_login(desk.address, token)
        assert client.noop()
