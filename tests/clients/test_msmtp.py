"""msmtp sends, by SCRAM-SHA-256 of GNU SASL and with tokens: other people's idea of it."""

import json
from dataclasses import replace

import pytest

from tests.clients.desk import Desk, Done, letter
from tests.clients.page import snippet


def send(desk: Desk, *, door: str = "SUBMISSIONS", auth: str, statuses: tuple[int, ...]) -> Done:
    text = snippet(
        "msmtp",
        port=f"port %{door}%",
        tls_starttls=f"tls_starttls {'on' if door == 'SUBMISSION' else 'off'}",
        auth=f"auth {auth}",
    )
    desk.write(".msmtprc", text)
    mail = letter(7).replace(b"carol@outside.invalid", desk.address.encode())
    words = ("msmtp", "--debug", desk.address)
    return desk.run(*words, statuses=statuses, text=mail.decode().replace("\r\n", "\n"))


def received(desk: Desk) -> list[bytes]:
    desk.service.wait_for(lambda: len(desk.messages()) > 0, 60, "the message was not delivered")
    return list(desk.messages().values())


@pytest.mark.parametrize(
    ("door", "auth"),
    [
        ("SUBMISSIONS", "scram-sha-256"),
        ("SUBMISSION", "scram-sha-256"),
        ("SUBMISSIONS", "plain"),
        ("SUBMISSION", "login"),
    ],
)
def test_it_sends(desk: Desk, door: str, auth: str) -> None:
    said = send(desk, door=door, auth=auth, statuses=(0,)).said
    assert f"AUTH {auth.upper()}" in said
    (message,) = received(desk)
    assert b"with ESMTPSA id" in message
    assert b"Subject: Letter 7\r\n" in message


def test_it_chooses_scram_itself(desk: Desk) -> None:
    assert "AUTH SCRAM-SHA-256" in send(desk, auth="on", statuses=(0,)).said


def test_it_sends_with_an_app_password(desk: Desk) -> None:
    made = desk.service.manage("apppassword", "add", desk.address, "msmtp", "--json")
    desk = Desk(desk.service, desk.address, desk.home, desk.authority, json.loads(made)["password"])
    assert "AUTH SCRAM-SHA-256" in send(desk, auth="scram-sha-256", statuses=(0,)).said
    send(desk, auth="plain", statuses=(0,))


@pytest.mark.parametrize("auth", ["oauthbearer", "xoauth2"])
def test_it_sends_with_a_token(desk: Desk, auth: str) -> None:
    made = desk.service.manage("token", "issue", desk.address, auth, "--scope", "smtp", "--json")
    holder = replace(desk, password=json.loads(made)["token"])
    assert f"AUTH {auth.upper()}" in send(holder, auth=auth, statuses=(0,)).said
    desk.service.manage("token", "revoke", desk.address, auth)
    assert "334 " in send(holder, auth=auth, statuses=(77,)).said  # it is told why


def test_it_is_refused_with_another_password(desk: Desk) -> None:
    wrong = Desk(desk.service, desk.address, desk.home, desk.authority, "another password")
    done = send(wrong, auth="scram-sha-256", statuses=(77,))
    assert "535 5.7.8" in done.said
