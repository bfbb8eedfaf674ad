"""Signed links: for one copy, for some days, for nobody else's."""

import pytest
from django.core import signing
from pytest_django.fixtures import Settings

from apps.runtime.clock import now
from apps.runtime.ulid import new_ulid
from apps.scan import tokens
from apps.wire.errors import NotFound


def test_it_reads_what_it_signed() -> None:
    trace = new_ulid()
    assert tokens.read_copy(tokens.of_copy(7, trace)) == (7, trace)
    assert tokens.read_digest(tokens.of_digest(7)) == 7


def test_it_writes_what_stands_in_an_address_as_it_is() -> None:
    token = tokens.of_copy(2**40, new_ulid())
    assert set(token) <= set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.")
    assert len(token) < 120


@pytest.mark.parametrize("place", range(0, 80, 3))
def test_it_takes_none_that_was_changed(place: int) -> None:
    token = tokens.of_copy(7, new_ulid())
    place %= len(token)
    changed = token[:place] + ("A" if token[place] != "A" else "B") + token[place + 1 :]
    with pytest.raises(NotFound):
        tokens.read_copy(changed)


def test_it_takes_none_for_another_purpose() -> None:
    with pytest.raises(NotFound):
        tokens.read_digest(tokens.of_copy(7, new_ulid()))
    with pytest.raises(NotFound):
        tokens.read_copy(tokens.of_digest(7))
    for other in ("", "x", "7-0.x.y", "9" * 5_000, signing.dumps("7")):
        with pytest.raises(NotFound):
            tokens.read_copy(other)


@pytest.mark.parametrize(("age", "works"), [(30 * 86_400 - 60, True), (30 * 86_400 + 60, False)])
def test_it_takes_none_that_is_too_old(
    monkeypatch: pytest.MonkeyPatch, settings: Settings, age: int, works: bool
) -> None:
    settings.QUARANTINE_DAYS = 30
    then = signing.b62_encode(now() - age)
    monkeypatch.setattr(signing.TimestampSigner, "timestamp", lambda _: then)
    token = tokens.of_copy(7, new_ulid())
    if works:
        assert tokens.read_copy(token)[0] == 7
        return
    with pytest.raises(NotFound):
        tokens.read_copy(token)
