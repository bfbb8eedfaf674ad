"""Which doors there are."""

import pytest
from pytest_django import Settings

from apps.ops import doors


def test_it_lists_the_doors_that_are_on(settings: Settings) -> None:
    settings.IMAP_LISTEN = None
    found = doors.mail_doors()
    assert "imap" not in found
    assert {"smtp", "submission", "submissions", "lmtp", "imaps"} <= found.keys()
    assert str(found["smtp"]) == "127.0.0.1:2525"
    assert list(found) == [door for door in doors.MAIL_DOORS if door in found]


def test_it_takes_only_those_asked_for(settings: Settings) -> None:
    assert doors.mail_doors(["imaps", "smtp"]).keys() == {"smtp", "imaps"}
    settings.SMTP_LISTEN = None
    assert doors.mail_doors(["smtp"]) == {}


def test_it_refuses_what_it_does_not_know() -> None:
    with pytest.raises(ValueError, match=r"There is no door gopher; there are: smtp, .*imaps"):
        doors.mail_doors(["smtp", "gopher"])


async def test_it_builds_the_doors_by_name() -> None:
    built = doors.build(["smtp", "imaps"])
    assert sorted(door.name for door in built) == ["imaps", "smtp"]
    assert {door.name: door.implicit_tls for door in built} == {"smtp": False, "imaps": True}


def test_it_knows_how_each_door_is_secured() -> None:
    assert doors.SECURITY.keys() == doors.MAIL_DOORS.keys()
