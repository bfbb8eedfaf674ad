"""`manage.py rejects` and `manage.py greylist`, as an administrator types them."""

from collections.abc import Iterator

import pytest
import time_machine

from apps.directory.models import User
from apps.reception.services import acquaintances, greylisting, refusals
from apps.reception.services.greylisting import Note
from apps.reception.services.refusals import Refusal
from apps.runtime.clock import now
from apps.runtime.ulid import new_ulid, ulid_text
from tests.provisioning.management.running import run

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("keep_connection")]

TRACE = new_ulid()
DAY = 86_400


@pytest.fixture(autouse=True)
def _clock() -> Iterator[None]:
    with time_machine.travel("2026-11-25T12:00:00Z", tick=False):
        yield


def refuse(user: User, *, ago: int = 0, subject: str = "Your\x1b[2J\u202e \u2028account") -> None:
    one = Refusal(
        trace_id=TRACE,
        at=now() - ago,
        reason="dmarc",
        words="bank.test asks to refuse it.",
        reply="550-5.7.26 Nothing proves it:\n550 5.7.26 see there",
        client="192.0.2.7",
        helo="mx.evil.test",
        sender="x@evil.test",
        author="Bank <info@bank.test>" if subject else "",
        subject=subject,
        header="From: Bank <info@bank.test>\nSubject: Your account" if subject else "",
        size=1_234 if subject else 0,
        recipients=((user.pk, user.address),),
    )
    refusals.remember([one], {user.pk: 7} if subject else {})


def test_it_lists_what_was_refused_for_a_user(alice: User, bob: User) -> None:
    refuse(alice, ago=3 * DAY, subject="")
    refuse(alice)
    refuse(bob)
    told = run("rejects", "list", "--user", "Alice@example.test")
    assert told.code == 0
    newest, oldest = (line.split("\t")[1:] for line in told.out.splitlines())
    assert newest == [
        "2026-11-25T12:00:00Z",
        "dmarc",
        "Bank <info@bank.test>",
        "Your?[2J? ?account (and 7 more in that minute)",
    ]
    assert oldest[2:] == ["<x@evil.test>", "-"]
    assert len(run("rejects", "list", "--user", alice.address, "--days", "2").out.splitlines()) == 1
    assert (
        len(run("rejects", "list", "--user", alice.address, "--limit", "1").out.splitlines()) == 1
    )


def test_it_writes_json(alice: User) -> None:
    assert run("rejects", "list", "--user", alice.address, "--json").json == []
    refuse(alice)
    (row,) = run("rejects", "list", "--user", alice.address, "--json").json
    assert (row["reason"], row["others"], row["trace"]) == ("dmarc", 7, ulid_text(TRACE))
    shown = run("rejects", "show", str(row["id"]), "--json").json
    assert shown == {**row, "header": "From: Bank <info@bank.test>\nSubject: Your account"}


def test_it_shows_one(alice: User) -> None:
    refuse(alice)
    (row,) = run("rejects", "list", "--user", alice.address, "--json").json
    assert run("rejects", "show", str(row["id"])).out.splitlines() == [
        "Refused: 2026-11-25T12:00:00Z for alice@example.test",
        "Reason:  dmarc: bank.test asks to refuse it.",
        "Reply:   550-5.7.26 Nothing proves it:",
        "Reply:   550 5.7.26 see there",
        "Client:  192.0.2.7 (mx.evil.test)",
        "Sender:  <x@evil.test>",
        "Size:    1234 octets",
        "Others:  7 more in that minute",
        f"Trace:   {ulid_text(TRACE)}",
        "    From: Bank <info@bank.test>",
        "    Subject: Your account",
    ]


@pytest.mark.parametrize(
    ("words", "code", "complaint"),
    [
        (["rejects", "list"], 2, "--user"),
        (["rejects", "list", "--user", "nobody@example.test"], 1, "nobody@example.test"),
        (["rejects", "show", "77"], 1, "Nothing refused has the number 77."),
        (["rejects", "show", "x"], 2, "invalid int"),
        (["greylist", "forget", "a b"], 1, "neither a domain nor a network"),
        (["greylist", "forget", "unknown.test"], 1, "Nothing is known of unknown.test."),
        (["greylist"], 2, "VERB"),
    ],
)
def test_it_says_what_is_wrong(
    words: list[str],
    code: int,
    complaint: str,
    alice: User,
    capsys: pytest.CaptureFixture[str],
) -> None:
    done = run(*words)
    assert done.code == code
    assert complaint in done.err + capsys.readouterr().err  # argparse writes to the latter


def test_it_lists_what_waits() -> None:
    at = now()
    greylisting.note(
        [
            Note("192.0.2.0/24", "a@b.test", "alice@example.test", at - 60, at - 60),
            Note("shop.test", "", "bob@example.test", at - 900, at, passed_at=at),
            Note("198.51.100.0/24", "", "", at - 70, at - 70),
        ]
    )
    assert run("greylist", "list").out.splitlines() == [
        "shop.test\t<>\tbob@example.test\t2026-11-25T11:45:00Z\t2026-11-25T12:00:00Z\t1"
        "\t2026-11-25T12:00:00Z",
        "192.0.2.0/24\t<a@b.test>\talice@example.test\t2026-11-25T11:59:00Z"
        "\t2026-11-25T11:59:00Z\t1\t-",
        "198.51.100.0/24\t<>\tall further\t2026-11-25T11:58:50Z\t2026-11-25T11:58:50Z\t1\t-",
    ]
    assert len(run("greylist", "list", "--waiting", "--json").json) == 2
    assert len(run("greylist", "list", "--limit", "1").out.splitlines()) == 1


def test_it_lists_and_forgets_who_is_known() -> None:
    acquaintances.count({(20_000, "shop.test"): 3, (20_001, "shop.test"): 1})
    acquaintances.count({(20_001, "bank.test from 192.0.2.0/24"): 1})
    greylisting.note([Note("192.0.2.0/24", "a@b.test", "alice@example.test", 1, 1)])
    assert run("greylist", "known").out.splitlines() == [
        "shop.test\t2024-10-04\t2024-10-05\t2\t4",
        "bank.test from 192.0.2.0/24\t2024-10-05\t2024-10-05\t1\t1",
    ]
    assert run("greylist", "known", "--json").json[0]["is_known"] is True
    assert run("greylist", "forget", "Shop.TEST").out == "shop.test is forgotten.\n"
    assert run("greylist", "forget", "192.0.2.99", "--json").json == {"name": "192.0.2.0/24"}
    assert run("greylist", "known").out == run("greylist", "list").out == ""
    assert run("greylist", "forget", "2001:db8::/64").code == 1
