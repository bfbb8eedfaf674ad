"""Reverse-paths of what leaves us: rewritten for forwarded mail of strangers only."""

from dataclasses import dataclass

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from apps.delivery.reversepath import reverse_path
from apps.directory.models import Domain
from apps.mailauth import srs
from apps.mime.address import Address
from apps.runtime import clock, sealing


@dataclass(frozen=True)
class Copy:
    original: str
    address: str


FORWARDED = Copy("list@example.test", "someone@elsewhere.test")
STRANGER = "stranger@sender.test"


def test_a_forwarded_copy_leaves_with_a_path_of_ours(domain: Domain) -> None:
    with CaptureQueriesContext(connection) as queries:
        path = reverse_path(STRANGER, FORWARDED)
    assert len(queries) == 1
    assert path.startswith("SRS0=")
    assert path.endswith("=sender.test=stranger@example.test")
    back = srs.reverse(Address.parse(path), keys=sealing.derived(srs.PURPOSE), now=clock.now())
    assert str(back) == STRANGER


@pytest.mark.parametrize(
    ("sender", "copy"),
    [
        ("", FORWARDED),  # a report must never become something that is answered
        ("alice@example.test", FORWARDED),
        (STRANGER, Copy("someone@elsewhere.test", "someone@elsewhere.test")),
        (STRANGER, Copy("Someone@Elsewhere.Test", "Someone@elsewhere.test")),
        (STRANGER, Copy("gone@removed.test", "someone@elsewhere.test")),
        (STRANGER, Copy("no address", "someone@elsewhere.test")),
        ("no address", FORWARDED),
        ("x" * 200 + "@sender.test", Copy("list@" + "example.test", "someone@elsewhere.test")),
    ],
)
def test_other_copies_keep_theirs(domain: Domain, sender: str, copy: Copy) -> None:
    if len(sender) > 200:
        sender = sender.replace("sender.test", "y" * 36 + ".sender.test")
    assert reverse_path(sender, copy) == sender


def test_mail_that_is_not_forwarded_asks_no_database(domain: Domain) -> None:
    with CaptureQueriesContext(connection) as queries:
        reverse_path("alice@example.test", Copy("a@elsewhere.test", "a@elsewhere.test"))
        reverse_path("", FORWARDED)
    assert not queries


def test_an_alias_domain_answers_for_itself(domain: Domain, other_domain: Domain) -> None:
    path = reverse_path(STRANGER, Copy("x@other.test", "y@elsewhere.test"))
    assert path.endswith("@other.test")


def test_what_another_forwarder_wrote_is_wrapped(domain: Domain) -> None:
    path = reverse_path("SRS0=abcd=AB=first.test=user@hop.test", FORWARDED)
    assert path.startswith("SRS1=")
    assert "=hop.test=" in path


def test_our_own_rewritten_path_is_not_rewritten_again(domain: Domain) -> None:
    path = reverse_path(STRANGER, FORWARDED)
    assert reverse_path(path, Copy("other@example.test", "third@elsewhere.test")) == path
