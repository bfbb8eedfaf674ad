"""What the settings say of strangers."""

from ipaddress import ip_network

import pytest
from pytest_django import Settings

from apps.reception.gate import Gate
from apps.reception.listform import parse
from apps.reception.options import Options
from mailhost import env
from tests.support.zones import Zones


def test_it_reads_every_setting(settings: Settings) -> None:
    settings.DNS_BLOCK_LISTS = ("bl.example=127.0.0.[2..11]*2", "b.example")
    settings.DNS_ALLOW_LISTS = ("wl.example",)
    settings.DNS_BLOCK_THRESHOLD = 3
    settings.SMTP_TRUSTED = (ip_network("192.0.2.0/24"),)
    settings.EARLY_TALKERS = "refuse"
    settings.GREETING_DELAY = 4
    for number, kind in enumerate(("CONNECTIONS", "MESSAGES", "RECIPIENTS"), 1):
        setattr(settings, f"RECEIVE_{kind}_PER_MINUTE", number)
        setattr(settings, f"RECEIVE_{kind}_PER_HOUR", 10 * number)
    settings.RECEIVE_UNKNOWN_PER_HOUR = 7
    settings.RECEIVE_MESSAGES_PER_USER = 8
    found = Options.from_settings()
    assert found.block == (parse("bl.example=127.0.0.[2..11]*2"), parse("b.example"))
    assert found.allow == (parse("wl.example"),)
    assert (found.threshold, found.greeting_delay) == (3, 4)
    assert found.trusted == (ip_network("192.0.2.0/24"),)
    assert found.refuses_early_talkers
    assert found.limits.per_minute == (1, 2, 3)
    assert found.limits.per_hour == (10, 20, 30)
    assert (found.limits.unknown, found.limits.per_user) == (7, 8)


def test_it_refuses_nobody_by_the_usual_settings() -> None:
    found = Options.from_settings()
    assert found.block == found.allow == found.trusted == ()
    assert not found.refuses_early_talkers
    assert found.greeting_delay == 0


@pytest.mark.parametrize("name", ["DNS_BLOCK_LISTS", "DNS_ALLOW_LISTS"])
def test_it_stops_the_start_for_a_list_that_is_none(name: str) -> None:
    value = "zen.example.org=127.0.0.[2..11]*2, bl.example.org=127.0.0"
    with pytest.raises(env.SettingError, match=r"filter of bl\.example\.org is not four"):
        env.read({name: value})
    good = "zen.example.org=127.0.0.[2..11]*2, bl.example.org"
    assert env.read({name: good})[name] == ("zen.example.org=127.0.0.[2..11]*2", "bl.example.org")


async def test_it_makes_a_gate_of_the_settings(settings: Settings) -> None:
    settings.GREETING_DELAY = 2
    gate = Gate(Zones(), "Mail.Example.Test")
    assert gate.hostname == "mail.example.test"
    assert gate.visit("198.51.100.7").greeting_delay == 2
    await gate.close()
