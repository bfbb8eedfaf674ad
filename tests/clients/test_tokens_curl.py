"""curl signs in with a token of ours, by OAUTHBEARER and XOAUTH2, at the doors that have them."""

import json
import re

import pytest

from tests.clients.desk import HOST, Desk, Done, letter

LOGIN_DENIED = 67


@pytest.fixture
def token(desk: Desk) -> str:
    made = desk.service.manage("token", "issue", desk.address, "curl", "--json")
    return str(json.loads(made)["token"])


def ask(desk: Desk, door: str, mechanism: str, token: str, *more: str, status: int = 0) -> Done:
    scheme = "smtp" if door == "SUBMISSION" else door.lower()
    url = f"{scheme}://{HOST}:{desk.port(door)}/"
    words = ("curl", "-sSv", "--max-time", "30", "--cacert", str(desk.authority))
    if not door.endswith("S"):
        words = (*words, "--ssl-reqd")
    who = ("-u", f"{desk.address}:", "--oauth2-bearer", token)
    login = ("--login-options", f"AUTH={mechanism}")
    return desk.run(*words, *who, *login, *more, url, statuses=(status,))


@pytest.mark.parametrize("mechanism", ["OAUTHBEARER", "XOAUTH2"])
@pytest.mark.parametrize("door", ["IMAPS", "IMAP", "POP3S", "POP3"])
def test_it_reads_with_a_token(desk: Desk, token: str, door: str, mechanism: str) -> None:
    desk.put(letter(1))
    done = ask(desk, door, mechanism, token)
    assert ("INBOX" if "IMAP" in door else "1 ") in done.stdout
    assert re.search(rf"> (?:\S+ )?AUTH(?:ENTICATE)? {mechanism}\b", done.stderr)


@pytest.mark.parametrize("door", ["IMAPS", "POP3S"])
@pytest.mark.parametrize("mechanism", ["OAUTHBEARER", "XOAUTH2"])
def test_it_is_told_that_a_token_is_not_good(
    desk: Desk, token: str, door: str, mechanism: str
) -> None:
    ask(desk, door, mechanism, f"{token}x", status=LOGIN_DENIED)


def test_it_sends_with_a_token(desk: Desk, token: str) -> None:
    mail = desk.write("mail.txt", letter(3).decode().replace("carol@outside.invalid", desk.address))
    done = ask(
        desk,
        "SUBMISSION",
        "OAUTHBEARER",
        token,
        *("--mail-from", desk.address, "--mail-rcpt", desk.address, "-T", str(mail)),
    )
    assert "235 2.7.0" in done.stderr
