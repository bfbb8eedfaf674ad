"""Invitations: what, when and who in words; bombs cost nothing."""

import pytest
from django.utils import timezone

from apps.webmail.invitations import Invitation, read
from tests.support.cost import cost

HEAD = b"BEGIN:VCALENDAR\r\nVERSION:2.0\r\nMETHOD:%s\r\n"
ZONE = (
    b"BEGIN:VTIMEZONE\r\nTZID:Europe/Kyiv\r\nBEGIN:STANDARD\r\nDTSTART:19700101T000000\r\n"
    b"RRULE:FREQ=SECONDLY\r\nTZOFFSETFROM:+0200\r\nTZOFFSETTO:+0200\r\nEND:STANDARD\r\n"
    b"END:VTIMEZONE\r\n"
)
TIMES = b"DTSTART;TZID=Europe/Kyiv:20261201T100000\r\nDTEND;TZID=Europe/Kyiv:20261201T113000\r\n"
WHO = (
    b"ORGANIZER;CN=Ann Smith:mailto:ann@outside.invalid\r\n"
    b"ATTENDEE;CN=Bob;PARTSTAT=ACCEPTED:mailto:bob@example.test\r\n"
    b"ATTENDEE;PARTSTAT=NEEDS-ACTION:mailto:carol@example.test\r\n"
)


def event(*lines: bytes, method: bytes = b"REQUEST", times: bytes = TIMES) -> Invitation | None:
    body = b"BEGIN:VEVENT\r\nUID:1\r\n" + times + b"".join(line + b"\r\n" for line in lines)
    return read(HEAD % method + ZONE + body + WHO + b"END:VEVENT\r\nEND:VCALENDAR\r\n")


def test_it_says_what_when_where_and_who() -> None:
    with timezone.override("Europe/Berlin"):
        found = event(b"SUMMARY:Planting <b>plan</b>", b"LOCATION:Cole Street 4")
    assert found is not None
    assert found.summary == "Planting <b>plan</b>"
    assert "09:00 \u2013 10:30 CET" in found.when
    assert "Tuesday" in found.when
    assert found.place == "Cole Street 4"
    assert found.organiser is not None
    assert found.organiser.name == "Ann Smith"
    assert [(one.name, one.answer) for one in found.guests] == [
        ("Bob", "comes"),
        ("carol@example.test", "has not answered"),
    ]
    assert not found.is_off


def test_it_says_that_it_is_off_and_what_somebody_answered() -> None:
    off, answered = event(b"SUMMARY:x", method=b"CANCEL"), event(method=b"REPLY")
    assert off is not None
    assert off.is_off
    assert answered is not None
    assert answered.title == "Bob: comes"


@pytest.mark.parametrize(
    ("times", "when"),
    [
        (b"DTSTART;VALUE=DATE:20261201\r\nDTEND;VALUE=DATE:20261202\r\n", ", all day"),
        (b"DTSTART;VALUE=DATE:20261201\r\nDTEND;VALUE=DATE:20261204\r\n", " \u2013 Thursday"),
        (b"DTSTART:20261201T100000Z\r\nDURATION:PT1H\r\n", "10:00 \u2013 11:00 UTC"),
        (b"DTSTART;TZID=Mars/Base:20261201T100000\r\n", ", 10:00"),
        (b"DTSTART:99991231T235959Z\r\n", ""),
        (b"", ""),
    ],
)
def test_it_says_times_of_all_kinds(times: bytes, when: str) -> None:
    with timezone.override("UTC"):
        found = event(times=times)
    assert found is not None
    assert when in found.when
    assert found.zone == ("Mars/Base" if b"Mars" in times else "")


@pytest.mark.parametrize(
    ("rule", "words"),
    [
        (b"FREQ=WEEKLY;BYDAY=TU;COUNT=5", "every week (TU), 5 times."),
        (b"FREQ=DAILY;INTERVAL=2", "every 2 days."),
        (b"FREQ=MONTHLY;UNTIL=20270101T000000Z", "every month, until "),
        (b"FREQ=SECONDLY", "by a rule of its own"),
        (b"FREQ=YEARLY;BYSETPOS=-1;BYDAY=MO", "by a rule of its own"),
    ],
)
def test_it_tells_how_it_repeats_in_words(rule: bytes, words: str) -> None:
    found = event(b"RRULE:" + rule)
    assert found is not None
    assert words in found.repeats


@pytest.mark.parametrize(
    "octets",
    [
        b"",
        b"\xff\xfe" * 100,
        b"BEGIN:VCALENDAR\r\nEND:VCALENDAR\r\n",
        b"BEGIN:VEVENT\r\n" * 5_000,
        b"BEGIN:VCALENDAR\r\n" + b"BEGIN:VEVENT\r\n" * 90 + b"END:VEVENT\r\n" * 90,
        HEAD % b"REQUEST" + b"BEGIN:VTIMEZONE\r\n" * 30_000 + b"BEGIN:VEVENT\r\n",
        HEAD % b"REQUEST" + b"BEGIN:VTIMEZONE\r\n" * 7_900 + b"BEGIN:VEVENT\r\n",
        HEAD % b"REQUEST" + (b"BEGIN:VTIMEZONE" + b" " * 15_000 + b"x\r\n") * 16,
        b"BEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\nSUMMARY:" + b"\r\n x" * 60_000,
        b"BEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\n" + b"ATTENDEE;CN=x:mailto:a@b\r\n" * 7_000,
        b"BEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\nDTSTART;" + b"X=y;" * 50_000 + b":1\r\n",
        b"BEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\nRRULE:FREQ=SECONDLY\r\nDTSTART:19000101T000000\r\n"
        b"END:VEVENT\r\nEND:VCALENDAR\r\n",
    ],
    ids=lambda octets: f"{len(octets)}-{octets[:40]!r}",
)
def test_no_file_is_a_bomb(octets: bytes) -> None:
    assert cost(lambda: read(octets), enough=1.5) < 1.5


def test_what_is_said_of_zones_is_not_read_wherever_it_stands() -> None:
    inner = b"SUMMARY:real\r\n" + ZONE.replace(b"TZID:Europe/Kyiv", b"SUMMARY:forged") + ZONE
    body = b"BEGIN:VEVENT\r\nUID:1\r\n" + TIMES + inner + b"END:VEVENT\r\nEND:VCALENDAR\r\n"
    found = read(HEAD % b"REQUEST" + body)
    assert found is not None
    assert found.summary == "real"
    assert read(HEAD % b"REQUEST" + body + b"BEGIN:VTIMEZONE\r\n") is None
