"""Which doors there are, and what each allows."""

import asyncio

import pytest
from pytest_django import Settings

from apps.smtp.doors import doors
from apps.smtp.envelope import SmtpSession
from apps.smtp.proto.limits import Limits
from apps.smtp.rules import Rules, is_loopback


async def test_it_opens_what_has_an_address(settings: Settings) -> None:
    assert [door.name for door in doors()] == ["smtp", "submission", "submissions", "lmtp"]
    assert [door.implicit_tls for door in doors()] == [False, False, True, False]
    settings.LMTP_LISTEN = None
    settings.SUBMISSION_LISTEN = None
    assert [door.name for door in doors()] == ["smtp", "submissions"]


@pytest.mark.parametrize(
    ("address", "is_ours"),
    [
        ("127.0.0.1", True),
        ("127.9.9.9", True),
        ("::1", True),
        ("::ffff:127.0.0.1", True),
        ("192.0.2.1", False),
        ("::ffff:192.0.2.1", False),
        ("localhost", False),
        ("", False),
    ],
)
def test_it_knows_this_machine(address: str, is_ours: bool) -> None:
    assert is_loopback(address) is is_ours


@pytest.mark.parametrize(
    ("address", "tls", "allowed"),
    [("127.0.0.1", False, True), ("192.0.2.1", False, False), ("192.0.2.1", True, True)],
)
async def test_it_takes_passwords_in_the_clear_from_this_machine_alone(
    address: str, tls: bool, allowed: bool
) -> None:
    rules = Rules("submission", "mail.example.test", auth=True, cleartext_loopback=True)
    session = SmtpSession(asyncio.get_running_loop(), address)
    session.ssl = {"version": "TLSv1.3", "cipher": "x"} if tls else None
    assert rules.may_sign_in(session) is allowed
    assert any("AUTH" in line for line in rules.features(session)) is allowed
    assert not Rules("mx", "mail.example.test").may_sign_in(session)


def test_it_gives_every_door_limits_of_its_own() -> None:
    one, two = Limits(), Limits(errors=3)
    assert (one.errors, two.errors) == (20, 3)
    with pytest.raises(AttributeError):
        one.errors = 5  # type: ignore[misc]
