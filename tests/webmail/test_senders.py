"""Who sent it: what proves it, what does not, and names that mislead."""

import pytest

from apps.delivery.accept import accept
from apps.directory.models import User
from apps.mailstore import queries
from apps.mailstore.models import Entry
from apps.webmail.senders import Sender, Standing, judge, proven_address
from tests.support.mail import RECEIVED, drain, local, submission

pytestmark = pytest.mark.django_db

OURS = b"Authentication-Results: mail.example.test;\r\n\t"
PASS = OURS + b"dmarc=pass (p=reject) header.from=bank.invalid policy.dmarc=none\r\n"
FAIL = OURS + b"dmarc=fail (p=reject) header.from=bank.invalid policy.dmarc=reject\r\n"
SIGNED = OURS + b"dkim=pass header.d=mail.bank.invalid header.s=x;\r\n\tdmarc=none\r\n"
OTHER = OURS + b"dkim=pass header.d=evil.invalid header.s=x;\r\n\tdmarc=none\r\n"
FROM = b"Bank <info@bank.invalid>"
OWN = frozenset({"alice@example.test"})


def told(
    alice: User,
    prefix: bytes,
    sender: bytes = FROM,
    more: bytes = b"",
    name: str = "Bank",
    *,
    is_kept: bool = False,
) -> tuple[Sender, str]:
    raw = more + b"From: " + sender + b"\r\nSubject: x\r\n\r\nWords.\r\n"
    accept([submission(local(alice), raw, prefix=prefix)])
    drain()
    entry = Entry.objects.order_by("-uid").first()
    assert entry is not None
    shown = queries.shown(entry.message_id, entry.head_id)
    address = sender.decode().partition("<")[2].strip("> ") or sender.decode()
    return judge(shown, name, address, OWN, is_kept=is_kept), proven_address(shown)


def test_it_is_proved_by_dmarc(alice: User) -> None:
    found, address = told(alice, PASS + RECEIVED)
    assert (found.standing, address) == (Standing.PROVED, "info@bank.invalid")
    assert ("DMARC", "pass") in found.checks
    assert "bank.invalid" in found.text
    assert found.icon


def test_it_is_proved_by_an_aligned_signature_where_there_is_no_policy(alice: User) -> None:
    assert told(alice, SIGNED + RECEIVED)[0].standing is Standing.PROVED


@pytest.mark.parametrize(
    ("prefix", "standing"),
    [
        (OTHER, Standing.UNPROVED),
        (FAIL, Standing.FAILED),
        (OURS + b"none\r\n", Standing.UNPROVED),
        (OURS + b"dmarc=pass header.from=evil.invalid\r\n", Standing.UNPROVED),
        (b"", Standing.UNKNOWN),
        (OURS + b'dmarc="pass\r\n', Standing.UNKNOWN),
    ],
)
def test_it_is_not_proved_by_less(alice: User, prefix: bytes, standing: Standing) -> None:
    found, address = told(alice, prefix + RECEIVED)
    assert (found.standing, address) == (standing, "")


def test_nobody_can_write_our_results(alice: User) -> None:
    found, address = told(alice, RECEIVED, more=PASS)
    assert (found.standing, address) == (Standing.UNKNOWN, "")
    found, address = told(alice, FAIL + RECEIVED, more=PASS * 3)
    assert (found.standing, address) == (Standing.FAILED, "")


@pytest.mark.parametrize(
    "sender", [FROM + b", Boss <b@bank.invalid>", FROM + b"\r\nFrom: <a@evil.invalid>"]
)
def test_two_senders_are_not_proved(alice: User, sender: bytes) -> None:
    assert told(alice, PASS + RECEIVED, sender)[1] == ""


def test_a_colleague_who_signed_in_is_proved(alice: User) -> None:
    inside = b"Received: from x by mail.example.test with ESMTPSA id 1\r\n"
    found, _ = told(alice, inside, b"Bob <bob@example.test>", name="Bob")
    assert found.standing is Standing.PROVED


def test_mail_in_ones_own_name_is_not_ones_own(alice: User) -> None:
    found, _ = told(alice, FAIL + RECEIVED, b"Alice <alice@example.test>", name="Alice")
    assert found.standing is Standing.FAILED
    assert "not sent with your account" in " ".join(found.warnings)
    kept, _ = told(alice, b"", b"Alice <alice@example.test>", name="Alice", is_kept=True)
    assert kept.standing is Standing.OWN
    assert not kept.warnings


def test_it_warns_of_another_address_in_the_name(alice: User) -> None:
    (warning,) = told(alice, PASS, name="ceo@example.test")[0].warnings
    assert "ceo@example.test" in warning
    assert "info@bank.invalid" in warning
    assert not told(alice, PASS, name="info@bank.invalid")[0].warnings


def test_it_warns_of_a_domain_that_looks_like_ones_own(alice: User) -> None:
    found, _ = told(alice, PASS, b"Boss <boss@examp1e.test>", name="Boss")
    assert "looks like it" in " ".join(found.warnings)


def test_names_of_any_length_are_quick(alice: User) -> None:
    assert told(alice, PASS, name="a@" * 50_000)[0].standing is Standing.PROVED
