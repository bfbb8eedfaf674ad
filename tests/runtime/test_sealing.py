"""Secrets at rest: what opens, what does not, and that nothing of them shows."""

import base64

import pytest
from django.core.exceptions import ImproperlyConfigured
from hypothesis import given
from hypothesis import strategies as st
from pytest_django import Settings

from apps.runtime import sealing
from apps.runtime.sealing import SealBrokenError

OLD, NEW = (base64.b64encode(bytes([number]) * 32).decode() for number in (1, 2))
SECRET = b"a password of another server"


@pytest.fixture(autouse=True)
def _one_key(settings: Settings) -> None:
    settings.ENCRYPTION_KEY = (OLD,)


def test_it_opens_what_it_sealed() -> None:
    sealed = sealing.seal(SECRET, context="transport/1")
    assert SECRET not in sealed
    assert sealing.open_sealed(sealed, context="transport/1") == SECRET
    assert sealing.open_sealed(memoryview(sealed), context="transport/1") == SECRET


def test_it_opens_an_empty_secret() -> None:
    assert sealing.open_sealed(sealing.seal(b"", context="a"), context="a") == b""


def test_it_never_seals_the_same_twice() -> None:
    assert sealing.seal(SECRET, context="a") != sealing.seal(SECRET, context="a")


def test_it_opens_nothing_in_another_place() -> None:
    sealed = sealing.seal(SECRET, context="dkim/example.org/s1")
    with pytest.raises(SealBrokenError, match="another place"):
        sealing.open_sealed(sealed, context="dkim/evil.example/s1")


@given(st.integers(min_value=0), st.integers(1, 255))
def test_it_opens_nothing_that_was_changed(place: int, flip: int) -> None:
    sealed = bytearray(sealing.seal(SECRET, context="a"))
    sealed[place % len(sealed)] ^= flip
    with pytest.raises(SealBrokenError):
        sealing.open_sealed(bytes(sealed), context="a")


@given(st.binary(max_size=80))
def test_it_opens_no_rubbish(rubbish: bytes) -> None:
    with pytest.raises(SealBrokenError):
        sealing.open_sealed(rubbish, context="a")


def test_a_new_key_in_front_seals_and_the_old_one_still_opens(settings: Settings) -> None:
    old = sealing.seal(SECRET, context="a")
    settings.ENCRYPTION_KEY = (NEW, OLD)
    new = sealing.seal(SECRET, context="a")
    assert sealing.open_sealed(old, context="a") == SECRET
    assert (sealing.is_current(old), sealing.is_current(new)) == (False, True)
    settings.ENCRYPTION_KEY = (NEW,)
    assert sealing.open_sealed(new, context="a") == SECRET
    with pytest.raises(SealBrokenError, match="not in ENCRYPTION_KEY"):
        sealing.open_sealed(old, context="a")


def test_what_it_says_of_a_broken_seal_holds_no_secret() -> None:
    sealed = sealing.seal(SECRET, context="a")
    with pytest.raises(SealBrokenError) as failure:
        sealing.open_sealed(sealed, context="b")
    told = f"{failure.value!r} {failure.value.reply}"
    assert OLD not in told
    assert SECRET.decode() not in told


@pytest.mark.parametrize("word", ["", "short", "x" * 44, base64.b64encode(b"y" * 31).decode()])
def test_it_refuses_a_key_of_the_wrong_form_without_showing_it(
    settings: Settings, word: str
) -> None:
    settings.ENCRYPTION_KEY = (OLD, word)
    with pytest.raises(ImproperlyConfigured, match="Key 2 of ENCRYPTION_KEY") as failure:
        sealing.seal(SECRET, context="a")
    assert not word or word not in str(failure.value)


def test_it_refuses_to_work_without_a_key(settings: Settings) -> None:
    settings.ENCRYPTION_KEY = ()
    with pytest.raises(ImproperlyConfigured, match="no key"):
        sealing.seal(SECRET, context="a")


def test_keys_for_other_purposes_differ_from_each_other(settings: Settings) -> None:
    settings.ENCRYPTION_KEY = (NEW, OLD)
    srs, other = sealing.derived("srs"), sealing.derived("other")
    assert len({*srs, *other, base64.b64decode(OLD), base64.b64decode(NEW)}) == 6
    settings.ENCRYPTION_KEY = (OLD,)
    assert sealing.derived("srs") == srs[1:]
