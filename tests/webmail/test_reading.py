"""What parts are called that name themselves badly, or not at all."""

import pytest

from apps.mime.reading import read

HEAD = b'From: a@x.invalid\r\nMIME-Version: 1.0\r\nContent-Type: multipart/%s; boundary="B"\r\n\r\n'
TEXT = b"--B\r\nContent-Type: text/plain\r\n\r\nWords.\r\n"
EVENT = b"BEGIN:VCALENDAR\r\nEND:VCALENDAR\r\n"


def names(*parts: bytes, kind: bytes = b"mixed") -> list[str]:
    raw = HEAD % kind + TEXT + b"".join(b"--B\r\n" + part for part in parts) + b"--B--\r\n"
    return [file.name for file in read(raw).files]


def forwarded(subject: bytes) -> bytes:
    return b"Content-Type: message/rfc822\r\n\r\nSubject: " + subject + b"\r\n\r\nHello.\r\n"


@pytest.mark.parametrize(
    ("subject", "name"),
    [
        (b"Minutes", "Minutes.eml"),
        (b"=?utf-8?B?5ZKM57SZ?=", "和紙.eml"),
        (b"../../etc/passwd", "..-..-etc-passwd.eml"),
        (b"9/10 done", "9-10 done.eml"),
        (b"", "message.eml"),
        (b"...", "message.eml"),
        (b"x" * 400, "x" * 190 + ".eml"),
    ],
)
def test_it_calls_a_forwarded_message_by_its_subject(subject: bytes, name: str) -> None:
    (found,) = names(forwarded(subject))
    assert found.lstrip(".-") == name.lstrip(".-")
    assert "/" not in found
    assert "\\" not in found


def test_it_calls_the_parts_of_a_report_what_they_are() -> None:
    status = b"Content-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; x.invalid\r\n\r\n"
    headers = b"Content-Type: text/rfc822-headers\r\n\r\nSubject: x\r\n"
    assert names(status, headers, kind=b"report") == ["delivery-status.txt", "headers.txt"]


def test_it_shows_an_invitation_once() -> None:
    asked = b"Content-Type: text/calendar; method=REQUEST\r\n\r\n" + EVENT
    file = b'Content-Type: application/ics; name="invite.ics"\r\n\r\n' + EVENT
    assert names(asked, file) == ["invite.ics"]
    assert names(asked) == ["invite.ics"]
    odd = b"Content-Type: application/x-thing\r\n\r\nx\r\n"
    assert names(asked, odd) == ["invite.ics", "part.x-thing"]


def test_it_takes_only_the_last_component_of_a_name() -> None:
    part = b'Content-Type: image/png; name="C:\\\\pictures\\\\house.png"\r\n\r\nx\r\n'
    assert names(part) == ["house.png"]


def test_a_file_without_a_name_is_called_by_its_type_whatever_that_is() -> None:
    for kind, name in (
        (b"application/octet-stream", "part.octet-st"),
        (b"image/\xd9\xff", "part.file"),
    ):
        raw = b"Content-Type: multipart/mixed; boundary=B\r\n\r\n--B\r\nContent-Type: " + kind
        (file,) = read(raw + b"\r\nContent-Disposition: attachment\r\n\r\nx\r\n--B--\r\n").files
        assert file.name == name
