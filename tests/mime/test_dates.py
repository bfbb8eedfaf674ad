"""Dates: RFC 5322 appendix A, obsolete forms, IMAP dates."""

from datetime import UTC, date, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.mime.dates import (
    format_date,
    format_imap_date,
    format_imap_date_time,
    parse_date,
    parse_imap_date,
    parse_imap_date_time,
)


@pytest.mark.parametrize(
    ("text", "utc", "offset", "local"),
    [
        ("Fri, 21 Nov 1997 09:55:06 -0600", "1997-11-21T15:55:06", -360, "1997-11-21"),
        ("Tue, 1 Jul 2003 10:52:37 +0200", "2003-07-01T08:52:37", 120, "2003-07-01"),
        ("Thu, 13 Feb 1969 23:32:54 -0330", "1969-02-14T03:02:54", -210, "1969-02-13"),
        (
            "Thu,\r\n 13\r\n Feb\r\n 1969\r\n 23:32\r\n -0330 (Newfoundland)",
            "1969-02-14T03:02:00",
            -210,
            "1969-02-13",
        ),
        (
            "Fri, 21 Nov 1997 09(comment):   55  :  06 -0600",
            "1997-11-21T15:55:06",
            -360,
            "1997-11-21",
        ),
        ("21 Nov 97 09:55:06 GMT", "1997-11-21T09:55:06", 0, "1997-11-21"),
        ("21 Nov 24 09:55:06 EST", "2024-11-21T14:55:06", -300, "2024-11-21"),
        ("21 Nov 103 09:55 PDT", "2003-11-21T16:55:00", -420, "2003-11-21"),
        ("Mon, 1 Jan 2024 00:30:00 +0530 (IST)", "2023-12-31T19:00:00", 330, "2024-01-01"),
        ("Mon 1 January 2024 10:00:60 Z", "2024-01-01T10:00:59", 0, "2024-01-01"),
        ("1-Jan-2024 10:00:00 A", "2024-01-01T10:00:00", 0, "2024-01-01"),
        ("Tue Feb 22 14:00:00 2000", "2000-02-22T14:00:00", 0, "2000-02-22"),
        ("Tue Feb 22 14:00:00 CET 2000", "2000-02-22T13:00:00", 60, "2000-02-22"),
        ("2024-01-02T03:04:05.678+02:00", "2024-01-02T01:04:05", 120, "2024-01-02"),
        ("Wed, 02 Oct 2024", "2024-10-02T00:00:00", 0, "2024-10-02"),
        ("Wed, 02 Oct 2024 10:00:00 +9999", "2024-10-02T10:00:00", 0, "2024-10-02"),
        ("Wed, 02 Oct 2024 10.11.12 +0000", "2024-10-02T10:11:12", 0, "2024-10-02"),
        ("(x) Wed, 02 Oct 2024 (y (z)) 10:11:12 -0000", "2024-10-02T10:11:12", 0, "2024-10-02"),
    ],
)
def test_it_reads_dates(text: str, utc: str, offset: int, local: str) -> None:
    found = parse_date(text.encode())
    assert found is not None
    assert found.utc == datetime.fromisoformat(utc).replace(tzinfo=UTC)
    assert (found.offset_minutes, found.local_date.isoformat()) == (offset, local)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "yesterday",
        "Fri, 32 Nov 1997 09:55:06 -0600",
        "Fri, 30 Feb 1997 09:55:06 -0600",
        "21 Foo 1997 09:55:06 GMT",
        "21 Nov 1997 25:00:00 GMT",
        "21 Nov 1997 10:61:00 GMT",
        "21 Nov 0001 10:00:00 +2300",
        "31 Dec 9999 23:00:00 -2300",
        "2024-13-01T00:00:00Z",
        "\u0662\u0661 Nov 1997 09:55:06 GMT",
        "(((((",
        "\0",
    ],
)
def test_it_finds_no_date_where_there_is_none(text: str) -> None:
    assert parse_date(text.encode()) is None


def test_it_takes_no_date_for_none() -> None:
    assert parse_date(None) is None
    assert parse_date(b"") is None


def test_it_writes_rfc_5322_dates() -> None:
    at = datetime(1997, 11, 21, 15, 55, 6, tzinfo=UTC)
    assert format_date(at, -360) == "Fri, 21 Nov 1997 09:55:06 -0600"
    assert format_date(at) == "Fri, 21 Nov 1997 15:55:06 +0000"


def test_it_writes_imap_dates() -> None:
    at = datetime(1996, 7, 7, 9, 44, 25, tzinfo=UTC)
    assert format_imap_date_time(at, -420) == " 7-Jul-1996 02:44:25 -0700"
    assert format_imap_date(date(1994, 2, 1)) == "1-Feb-1994"


def test_it_reads_imap_dates() -> None:
    zone = timezone(timedelta(hours=-7))
    at = datetime(1996, 7, 17, 2, 44, 25, tzinfo=zone)
    assert parse_imap_date_time("17-Jul-1996 02:44:25 -0700") == at
    assert parse_imap_date_time(" 7-jul-1996 02:44:25 -0700") == at.replace(day=7)
    assert parse_imap_date("1-Feb-1994") == date(1994, 2, 1)
    assert parse_imap_date("01-FEB-1994") == date(1994, 2, 1)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "7-Jul-1996 02:44:25 -0700",
        "31-Feb-1996 02:44:25 -0700",
        "17-Foo-1996 02:44:25 -0700",
        "17-Jul-1996 02:44:25",
        "17-Jul-1996 02:44:61 -0700",
        "17-Jul-1996 24:44:25 -0700",
        "17-Jul-1996 02:44:25 -2400",
        "17-Jul-1996 02:44:25 -0060",
        "17-Jul-1996  02:44:25 -0700",
        "17-Jul-0000 02:44:25 -0700",
        "\uff117-Jul-1996 02:44:25 -0700",
        "17-Jul-1996 02:44:25 -0700\n",
    ],
)
def test_it_is_strict_about_imap_date_times(text: str) -> None:
    assert parse_imap_date_time(text) is None


@pytest.mark.parametrize(
    "text",
    ["", "1-Foo-1994", "32-Jan-1994", "1-Feb-94", "1-Feb-0000", "1-Feb-1994\n", "001-Feb-1994"],
)
def test_it_is_strict_about_imap_dates(text: str) -> None:
    assert parse_imap_date(text) is None


TIMES = st.datetimes(datetime(1900, 1, 3), datetime(9998, 12, 28)).map(  # noqa: DTZ001
    lambda at: at.replace(microsecond=0, tzinfo=UTC)
)
OFFSETS = st.integers(-23 * 60 - 59, 23 * 60 + 59)


@given(TIMES, OFFSETS)
def test_it_reads_back_what_it_writes(at: datetime, offset: int) -> None:
    found = parse_date(format_date(at, offset))
    assert found is not None
    assert (found.utc, found.offset_minutes) == (at, offset)
    assert parse_imap_date_time(format_imap_date_time(at, offset)) == at
    assert parse_imap_date(format_imap_date(at.date())) == at.date()


@given(st.text(max_size=60) | st.binary(max_size=60))
def test_it_reads_anything(value: str | bytes) -> None:
    found = parse_date(value)
    assert found is None or found.utc.tzinfo is UTC
    if isinstance(value, str):
        assert parse_imap_date(value) is None or value.isascii()
        assert parse_imap_date_time(value) is None or value.isascii()
