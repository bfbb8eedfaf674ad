"""In doubt the answer is silence (RFC 3834 section 2, RFC 5230 section 4.6)."""

import pytest

from apps.mime.address import Address
from apps.mime.headers import scan
from apps.sieve import paths, silence

SENDER = Address.parse("carol@outside.invalid")


def why(fields: str = "", sender: str = "carol@outside.invalid") -> str:
    raw = f"From: carol@outside.invalid\r\n{fields}\r\nHello\r\n".encode()
    return silence.reason(scan(raw), Address.parse(sender) if sender else None)


@pytest.mark.parametrize(
    "fields",
    [
        "Subject: hello\r\n",
        "Auto-Submitted: no\r\n",
        "Auto-Submitted: NO (a person)\r\n",
        "Precedence: first-class\r\n",
        "Content-Type: multipart/mixed; boundary=x\r\n",
        "X-Auto-Response-Suppress: DR, RN\r\n",
    ],
)
def test_it_answers_people(fields: str) -> None:
    assert why(fields) == ""


@pytest.mark.parametrize(
    "fields",
    [
        "Auto-Submitted: auto-replied\r\n",
        "Auto-Submitted: auto-generated; owner-email=x@y\r\n",
        "AUTO-SUBMITTED:AUTO-NOTIFIED\r\n",
        "Auto-Submitted: no\r\nAuto-Submitted: auto-replied\r\n",
        "Auto-Submitted: unheard-of\r\n",
        "Precedence: bulk\r\n",
        "Precedence: List\r\n",
        "precedence: junk\r\n",
        "List-Id: <a.list>\r\n",
        "List-Unsubscribe: <mailto:x@y>\r\n",
        "List-Help: <mailto:x@y>\r\n",
        "Mailing-List: contact x\r\n",
        "X-Autoreply: yes\r\n",
        "X-Auto-Response-Suppress: All\r\n",
        "X-Auto-Response-Suppress: DR, OOF\r\n",
        "Content-Type: multipart/report; report-type=delivery-status; boundary=x\r\n",
    ],
)
def test_it_answers_no_machine(fields: str) -> None:
    assert why(fields)


@pytest.mark.parametrize(
    "sender",
    [
        "",
        "MAILER-DAEMON@outside.invalid",
        "mailer-daemon+x@outside.invalid",
        "owner-figures@outside.invalid",
        "figures-request@outside.invalid",
        "figures-owner@outside.invalid",
        "figures-bounces@outside.invalid",
        "bounces+12=ann@outside.invalid",
        "bounce-77@outside.invalid",
        "LISTSERV@outside.invalid",
        "majordomo@outside.invalid",
        "no-reply@outside.invalid",
        "noreply@outside.invalid",
        "do-not-reply@outside.invalid",
    ],
)
def test_it_answers_no_address_that_nobody_reads(sender: str) -> None:
    assert why(sender=sender)


@pytest.mark.parametrize("sender", ["nora@outside.invalid", "bouncer@outside.invalid"])
def test_a_name_that_only_begins_alike_is_a_person(sender: str) -> None:
    assert why(sender=sender) == ""


def test_a_header_that_cannot_be_read_whole_is_not_answered() -> None:
    assert why("X-Long: x\r\n" * 30_000)


def test_it_takes_any_octets() -> None:
    for raw in (b"", b"\0" * 50, b"Auto-Submitted\xff: x\r\n\r\n", b"To: \xff\xfe@\xff\r\n\r\n"):
        silence.reason(scan(raw), SENDER)
        assert not silence.is_named(scan(raw), {"ann@here.invalid"})


@pytest.mark.parametrize(
    "fields",
    [
        b"To: Ann <ANN@here.invalid>",
        b"Cc: x@y.invalid, ann@here.invalid",
        b"To: Friends: ann@here.invalid;",
        b"Resent-To: ann@here.invalid",
    ],
)
def test_it_sees_who_is_named(fields: bytes) -> None:
    assert silence.is_named(scan(fields + b"\r\n\r\n"), {"ann@here.invalid"})


def test_a_name_in_a_comment_names_nobody() -> None:
    raw = b'To: "ann@here.invalid" <all@here.invalid>\r\nX-To: ann@here.invalid\r\n\r\n'
    assert not silence.is_named(scan(raw), {"ann@here.invalid"})


@pytest.mark.parametrize(
    ("path", "person"),
    [
        ("ann@here.invalid", "ann@here.invalid"),
        ("prvs=0123abcdef=ann@here.invalid", "ann@here.invalid"),
        ("btv1==1234==ann@here.invalid", "ann@here.invalid"),
        ("SRS0=hash=tt=here.invalid=ann@relay.invalid", "ann@here.invalid"),
        ("SRS0=hash=tt=@relay.invalid", "SRS0=hash=tt=@relay.invalid"),
    ],
)
def test_it_knows_a_person_behind_a_path_that_changes(path: str, person: str) -> None:
    assert str(paths.person(Address.parse(path))) == person
