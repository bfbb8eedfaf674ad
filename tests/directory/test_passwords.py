"""Passwords: bounds, normal form, hash and SCRAM keys, invented ones."""

import math
import re
import statistics
import time
import unicodedata

import pytest

from apps.directory import passwords
from apps.wire.errors import InvalidName
from apps.wire.scram import scram_keys

pytestmark = pytest.mark.real_passwords
GOOD = "correct horse battery"


@pytest.mark.parametrize("password", ["", "a\0b", "x" * 1025, "é" * 513, "\ud800"])
def test_it_refuses_what_no_door_could_carry(password: str) -> None:
    with pytest.raises(InvalidName):
        passwords.seal(password)


@pytest.mark.parametrize("password", ["x", "x" * 1024, "é" * 512, " spaces ", "\N{PILE OF POO}"])
def test_it_takes_any_other(password: str) -> None:
    prepared = passwords.prepare(password)

    assert prepared is not None
    assert passwords.is_right(prepared, passwords.seal(password).encoded)


def test_it_hashes_with_argon2id_of_19_mib() -> None:
    encoded = passwords.seal(GOOD).encoded

    assert encoded.startswith("argon2$argon2id$v=19$m=19456,t=2,p=1$")
    assert GOOD not in encoded


def test_it_keeps_scram_keys_that_fit_the_password() -> None:
    kept = passwords.seal(GOOD)

    assert len(kept.scram_salt) == 16
    # RFC 7677 section 4 sets the minimum; Cyrus SASL clients give up above 65,536.
    assert 4096 <= kept.scram_iterations <= 65_536
    assert (kept.scram_stored_key, kept.scram_server_key) == scram_keys(
        GOOD, kept.scram_salt, kept.scram_iterations
    )


def test_it_salts_each_password_anew() -> None:
    one, two = passwords.seal(GOOD), passwords.seal(GOOD)

    assert one.encoded != two.encoded
    assert one.scram_salt != two.scram_salt


def test_it_compares_in_unicode_form_c() -> None:
    decomposed = unicodedata.normalize("NFD", "Müller-Straße")
    prepared = passwords.prepare("Müller-Straße")

    assert decomposed != prepared
    assert prepared is not None
    assert passwords.is_right(prepared, passwords.seal(decomposed).encoded)


def test_it_shows_no_secret_in_a_repr() -> None:
    assert "argon2" not in repr(passwords.seal(GOOD))


@pytest.mark.parametrize("encoded", [None, "", "!"])
def test_it_opens_nothing_that_has_no_password(encoded: str | None) -> None:
    assert not passwords.is_right(GOOD, encoded)
    assert not passwords.is_right("", encoded)


def test_it_seals_an_account_without_password() -> None:
    assert not passwords.is_right("", passwords.seal(None).encoded)
    assert passwords.seal(None).scram_iterations == 0


def test_it_works_as_long_for_nobody_as_for_somebody() -> None:
    encoded = passwords.seal(GOOD).encoded
    passwords.warm_up()

    def cost(stored: str | None) -> float:
        before = time.thread_time()  # CPU time of this thread: other tests do not count
        passwords.is_right("wrong", stored)
        return time.thread_time() - before

    known = statistics.median(cost(encoded) for _ in range(7))
    unknown = statistics.median(cost(None) for _ in range(7))

    assert 0.5 < unknown / known < 2


def test_it_invents_readable_passwords_of_80_bits_and_more() -> None:
    invented = {passwords.generate() for _ in range(200)}

    assert len(invented) == 200
    for password in invented:
        assert re.fullmatch(r"[a-hjkmnp-z2-9]{5}(-[a-hjkmnp-z2-9]{5}){3}", password)
    assert 20 * math.log2(31) > 80
    assert len({letter for password in invented for letter in password} - {"-"}) == 31
