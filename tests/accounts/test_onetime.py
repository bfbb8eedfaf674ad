"""Codes: RFC 6238's own examples, the window, what people type, and what looks like a code."""

import pytest

from apps.accounts import onetime

SECRET = b"12345678901234567890"
FULLWIDTH = "".join(chr(0xFF10 + digit) for digit in range(1, 7))


# RFC 6238 appendix B gives eight digits; ours are the last six.
@pytest.mark.parametrize(
    ("seconds", "code"),
    [
        (59, "287082"),
        (1_111_111_109, "081804"),
        (1_111_111_111, "050471"),
        (1_234_567_890, "005924"),
        (2_000_000_000, "279037"),
        (20_000_000_000, "353130"),
    ],
)
def test_it_computes_what_the_rfc_says(seconds: int, code: str) -> None:
    assert onetime.code_at(SECRET, seconds) == code
    found = onetime.match(SECRET, code, now=seconds, drift=0, after=-1)
    assert found == onetime.Match(seconds // 30, 0)


@pytest.mark.parametrize(
    ("off", "works"), [(-2, False), (-1, True), (0, True), (1, True), (2, False)]
)
def test_it_takes_one_step_before_and_after(off: int, works: bool) -> None:
    now = 1_800_000_000
    code = onetime.code_at(SECRET, now + off * 30)
    found = onetime.match(SECRET, code, now=now, drift=0, after=-1)
    assert (found is not None) is works
    if found is not None:
        assert found.drift == off


def test_it_follows_a_clock_that_is_off_and_not_for_ever() -> None:
    now = 1_800_000_000
    behind = onetime.code_at(SECRET, now - 9 * 30)
    assert onetime.match(SECRET, behind, now=now, drift=-8, after=-1) == onetime.Match(
        now // 30 - 9, -9
    )
    far = onetime.code_at(SECRET, now - 11 * 30)
    found = onetime.match(SECRET, far, now=now, drift=-10, after=-1)
    assert found is not None
    assert found.drift == -onetime.MOST_DRIFT


def test_it_takes_no_step_twice_and_none_before_it() -> None:
    now = 1_800_000_000
    code = onetime.code_at(SECRET, now)
    assert onetime.match(SECRET, code, now=now, drift=0, after=now // 30) is None
    older = onetime.code_at(SECRET, now - 30)
    assert onetime.match(SECRET, older, now=now, drift=0, after=now // 30) is None


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("123 456", "123456"),
        (" 123-456\t", "123456"),
        ("ABCD-efgh jkmn\u00a0pqrs", "abcdefghjkmnpqrs"),
        ("", ""),
        ("1" * 100_000, "1" * onetime.MAX_TYPED),
    ],
)
def test_it_understands_what_people_type(typed: str, meant: str) -> None:
    assert onetime.normal(typed) == meant


@pytest.mark.parametrize(
    "typed",
    [
        "12345",
        "1234567",
        "١٢٣٤٥٦",
        FULLWIDTH,
        "²²²²²²",
        "12345a",
        "+12345",
        "1e5000",
        "\0" * 6,
    ],
)
def test_it_takes_six_digits_of_ours_alone(typed: str) -> None:
    assert not onetime.looks_like_totp(onetime.normal(typed))


def test_it_invents_codes_that_are_long_and_differ() -> None:
    codes = {onetime.recovery_code() for _ in range(200)}
    assert len(codes) == 200
    for code in codes:
        assert [len(group) for group in code.split("-")] == [4, 4, 4, 4]
        assert onetime.looks_like_recovery(onetime.normal(code.upper()))
        assert onetime.digest(code) == onetime.digest(code.upper().replace("-", " "))
    assert len(onetime._ALPHABET) ** 16 >= 2**64
    assert len(set(onetime._ALPHABET)) == len(onetime._ALPHABET)


def test_it_spells_an_address_that_apps_read() -> None:
    address = onetime.address_of(SECRET, account="o'neil&co+x@example.test", issuer="mail.example")
    assert address == (
        "otpauth://totp/mail.example:o%27neil%26co%2Bx@example.test"
        "?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ&issuer=mail.example"
    )
