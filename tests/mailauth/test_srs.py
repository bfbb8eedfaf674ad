"""SRS: there and back, over several forwarders, and nothing that we did not write."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.mailauth import srs
from apps.mailauth.srs import SrsError
from apps.mime.address import Address, AddressError

KEY, OTHER = b"k" * 32, b"o" * 32
NOW = 1_790_000_000
DAY = 86_400


def _forward(sender: str, domain: str = "ours.example", key: bytes = KEY, now: int = NOW) -> str:
    return str(srs.forward(Address.parse(sender), domain, key=key, now=now))


def _reverse(address: str, *keys: bytes, now: int = NOW) -> str:
    return str(srs.reverse(Address.parse(address), keys=keys or (KEY,), now=now))


@pytest.mark.parametrize(
    "sender",
    [
        "alice@sender.example",
        "Alice+tag=x@sender.example",
        "a=b=c@sender.example",
        '"two words"@sender.example',
        "user@[192.0.2.1]",
        "user@[IPv6:2001:db8::1]",
        "grüße@xn--bcher-kva.example",
        "srs0-fan@sender.example",
        "SRS1=nothing@sender.example",
        "SRS0@sender.example",
    ],
)
def test_it_finds_the_way_back(sender: str) -> None:
    rewritten = _forward(sender)
    assert rewritten.strip('"').startswith("SRS0=")
    assert Address.parse(rewritten).domain == "ours.example"
    assert _reverse(rewritten) == sender


@given(st.emails())
def test_it_finds_the_way_back_of_any_address(text: str) -> None:
    try:
        sender = Address.parse(text)
        rewritten = srs.forward(sender, "ours.example", key=KEY, now=NOW)
    except (AddressError, SrsError):
        return
    assert srs.is_srs(rewritten)
    again = Address.parse(str(rewritten))
    assert srs.reverse(again, keys=(KEY,), now=NOW) == sender


def test_it_lets_a_bounce_skip_the_forwarders_in_between() -> None:
    first = _forward("alice@sender.example", "first.example", OTHER)
    second = _forward(first, "second.example", KEY)
    third = _forward(second, "third.example", OTHER)
    assert second.startswith("SRS1=")
    assert third.startswith("SRS1=")
    assert len(third) == len(second) - 1  # it does not grow with the forwarders
    assert _reverse(second, KEY) == first
    assert _reverse(third, OTHER) == first
    assert _reverse(first, OTHER) == "alice@sender.example"


@pytest.mark.parametrize(
    "first",
    [
        "SRS0=HHH=TT=orig.example=user@first.example",  # as the paper writes it
        "SRS0+Xf7a=DF=orig.example=user@first.example",  # libsrs2 with separator +
        "SRS0-4aVq=IB=orig.example=user@first.example",
    ],
)
def test_it_takes_what_other_programs_wrote(first: str) -> None:
    rewritten = _forward(first)
    assert rewritten.startswith("SRS1=")
    assert _reverse(rewritten) == first


def test_it_wraps_the_chain_of_other_programs() -> None:
    second = "SRS1=JIBX=first.example==HHH=TT=orig.example=user@second.example"
    third = _forward(second)
    assert third.endswith("=first.example==HHH=TT=orig.example=user@ours.example")
    assert _reverse(third) == "SRS0=HHH=TT=orig.example=user@first.example"


def test_it_survives_servers_that_change_the_case() -> None:
    rewritten = _forward("alice@sender.example")
    assert _reverse(rewritten.lower()) == "alice@sender.example"
    assert _reverse(rewritten.upper()) == "ALICE@sender.example"


def test_it_takes_an_older_key_too() -> None:
    assert _reverse(_forward("alice@sender.example", key=OTHER), KEY, OTHER)


def test_it_refuses_what_another_key_wrote() -> None:
    with pytest.raises(SrsError, match="not made by this server"):
        _reverse(_forward("alice@sender.example", key=OTHER))


@pytest.mark.parametrize("kind", ["alice@sender.example", "SRS0=HHH=TT=o.example=u@first.example"])
def test_it_refuses_every_change_of_what_it_wrote(kind: str) -> None:
    rewritten = Address.parse(_forward(kind))
    refused = 0
    for place in range(5, len(rewritten.local)):
        changed = "7" if rewritten.local[place] != "7" else "6"
        local = rewritten.local[:place] + changed + rewritten.local[place + 1 :]
        with pytest.raises(SrsError):
            srs.reverse(Address(local, rewritten.domain), keys=(KEY,), now=NOW)
        refused += 1
    assert refused == len(rewritten.local) - 5


@pytest.mark.parametrize(
    "local",
    [
        "SRS0",
        "SRS0=",
        "SRS0====",
        "SRS0=A=B=C=D",
        "SRS1=A=B=C",
        "SRS1=A=B==",
        "SRS2=AAAAAAAA=AA=a.example=b",
        "alice",
        "SRS0=" + "=" * 200,
        "SRS0=\u0131=AA=a.example=b",
    ],
)
def test_it_refuses_what_nobody_wrote(local: str) -> None:
    with pytest.raises(SrsError):
        srs.reverse(Address(local, "ours.example"), keys=(KEY,), now=NOW)


@pytest.mark.parametrize(
    ("days", "holds"), [(-2, False), (-1, True), (0, True), (21, True), (22, False), (1000, False)]
)
def test_it_holds_for_three_weeks(days: int, holds: bool) -> None:
    rewritten = _forward("alice@sender.example")
    if holds:
        assert _reverse(rewritten, now=NOW + days * DAY) == "alice@sender.example"
    else:
        with pytest.raises(SrsError, match="expired"):
            _reverse(rewritten, now=NOW + days * DAY)


def test_it_says_when_there_is_no_room() -> None:
    with pytest.raises(SrsError, match="too long"):
        _forward("x" * 200 + "@" + "y" * 40 + ".example")


def test_it_knows_its_own_form() -> None:
    assert srs.is_srs(Address.parse("srs0=x@ours.example"))
    assert srs.is_srs(Address.parse("SRS1+x@ours.example"))
    assert not srs.is_srs(Address.parse("srs0x@ours.example"))
    assert not srs.is_srs(Address.parse("alice@ours.example"))
