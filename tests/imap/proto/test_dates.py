"""IMAP dates."""

import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.imap.proto.dates import internal_date, local_day, parse_date, parse_date_time
from apps.imap.proto.scanner import GrammarError


def test_it_reads_a_date() -> None:
    assert parse_date(b"1-Feb-1994") == datetime.date(1994, 2, 1)
    assert parse_date(b"29-fEB-2024") == datetime.date(2024, 2, 29)


@pytest.mark.parametrize(
    "raw", [b"", b"29-Feb-2023", b"1-Foo-2020", b"1-Feb-94", b"1 Feb 1994", b"0-Feb-1994"]
)
def test_it_refuses_what_is_no_date(raw: bytes) -> None:
    with pytest.raises(GrammarError):
        parse_date(raw)


def test_it_reads_a_date_time() -> None:
    assert parse_date_time(b"17-Jul-1996 02:44:25 -0700") == (837_596_665, -420)
    assert parse_date_time(b" 1-Jan-1970 00:00:00 +0000") == (0, 0)


@pytest.mark.parametrize(
    "raw",
    [
        b"17-Jul-1996 24:00:00 +0000",
        b"17-Jul-1996 00:61:00 +0000",
        b"17-Jul-1996 00:00:00 +2460",
        b"17-Jul-1996 00:00:00",
        b"17-Jul-1996",
        b"32-Jul-1996 00:00:00 +0000",
    ],
)
def test_it_refuses_what_is_no_date_time(raw: bytes) -> None:
    with pytest.raises(GrammarError):
        parse_date_time(raw)


@given(st.integers(-2_000_000_000, 200_000_000_000), st.integers(-23 * 60 - 59, 23 * 60 + 59))
def test_it_reads_back_what_it_writes(seconds: int, offset: int) -> None:
    raw = internal_date(seconds, offset)
    assert len(raw) == 28
    assert parse_date_time(raw.strip(b'"')) == (seconds, offset)


@given(st.integers(), st.integers(-(2**15), 2**15 - 1))
def test_it_writes_something_for_any_row(seconds: int, offset: int) -> None:
    assert internal_date(seconds, offset).startswith(b'"')


def test_it_takes_the_day_in_the_zone_of_the_message() -> None:
    seconds, offset = parse_date_time(b"17-Jul-1996 23:30:00 -0700")
    assert local_day(seconds, offset) == datetime.date(1996, 7, 17).toordinal()
