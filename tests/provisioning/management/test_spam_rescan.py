"""`manage.py spam rescan --dry-run`: what would have become of past mail; nothing is changed."""

from dataclasses import replace
from typing import Any

import pytest
import time_machine
from django.core.management.base import OutputWrapper

from apps.directory.models import User
from apps.mailstore.models import Mailbox
from apps.mailstore.services.prepare import prepare
from apps.provisioning import services as provisioning
from apps.runtime.clock import now_us
from apps.runtime.ulid import new_ulid, ulid_text
from apps.scan import queries, runner
from apps.scan.base import Case, Finding
from apps.scan.deeds import Done as Deeds
from apps.scan.models import ListEntry, Scanned, Threshold
from apps.scan.scopes import SERVER
from apps.scan.services import thresholds
from apps.scan.services.thresholds import Change
from tests.mailstore.making import box, delivered, filing
from tests.provisioning.management.judged import CHECKS, LIES, MONEY, Told, judge
from tests.provisioning.management.running import Done, run
from tests.scan.cases import case, reader

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("keep_connection")]

HOUR_US = 3_600_000_000


@pytest.fixture(autouse=True)
def _checks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runner, "CHECKS", CHECKS)


def mail(
    *readers: User, ago: int = HOUR_US, findings: tuple[Finding, ...] = (), **more: Any
) -> Case:
    return judge(case(*map(reader, readers), received_at_us=now_us() - ago, **more), *findings)


def again(*words: str) -> Done:
    told = run("spam", "rescan", "--since", "7d", "--dry-run", *words)
    assert told.code == 0, told.err
    return told


def test_it_shows_what_another_threshold_would_change(alice: User, bob: User) -> None:
    low, high = mail(alice, bob, findings=(LIES,)), mail(alice, findings=(LIES, MONEY))
    told = again("--junk", "4")
    assert told.out.splitlines()[0].startswith(ulid_text(low.id))
    assert "inbox -> Junk  4 points  Friend <friend@friend.test> to alice@example.test: Lunch" in (
        told.out
    )
    assert "2 messages, 3 copies looked at; 2 would change." in told.out
    assert "  2  inbox -> Junk" in told.out
    assert ulid_text(high.id) not in told.out
    only_bob = again("--junk", "4", "--user", bob.address).out
    assert "1 copies looked at; 1 would change" in only_bob
    assert "to bob@example.test" in only_bob
    assert again("--junk", "never").out.splitlines()[0].count("Junk -> inbox") == 1


def test_it_looks_at_what_was_written_to_a_domain_by_any_of_its_names(
    alice: User, eve: User
) -> None:
    provisioning.add_domain("also.test", alias_of="example.test")
    by_alias = replace(reader(alice), written="alice@also.test", domain="also.test")
    judge(case(by_alias, reader(eve), received_at_us=now_us() - HOUR_US), LIES)
    told = again("--junk", "4", "--domain", "example.test")
    assert "1 copies looked at; 1 would change" in told.out
    assert again("--junk", "4").out.count("inbox -> Junk  4 points") == 2


def test_it_changes_nothing(alice: User) -> None:
    mail(alice, findings=(LIES, MONEY))
    before = list(Scanned.objects.values())
    again("--junk", "9", "--block", "friend.test", "--points", "LINK_*=0", "--rules", "--lookups")
    assert list(Scanned.objects.values()) == before
    assert not ListEntry.objects.exists()
    assert not Threshold.objects.exists()


def test_it_compares_with_what_is_set_now(alice: User) -> None:
    mail(alice, findings=(LIES,))
    assert "0 would change" in again().out
    thresholds.change(SERVER, Change(junk=4))
    assert "1 would change" in again().out


def test_it_shows_what_an_entry_would_change(alice: User, eve: User) -> None:
    mail(alice, eve, findings=(LIES, MONEY))
    Scanned.objects.update(source=new_ulid())  # the text is gone: lists need none
    assert "  2  Junk -> inbox" in again("--allow", "friend.test").out
    assert "  2  Junk -> refused" in again("--block", "192.0.2.0/24").out
    assert "1 copies looked at; 1 would change" in (
        again("--allow", "friend@friend.test", "--domain", "other.test").out
    )


def test_it_shows_what_other_points_would_change(alice: User) -> None:
    mail(alice, findings=(LIES, MONEY))
    assert "Junk -> inbox  6.5 -> 2.5 points" in again("--points", "LINK_LIES=0").out
    assert "Junk -> refused  6.5 -> 22 points" in (
        again("--points", "LINK_*=20", "--points", "TEXT_MONEY=2").out
    )


def test_it_judges_by_the_rules_of_now(alice: User, monkeypatch: pytest.MonkeyPatch) -> None:
    one = mail(alice, findings=(LIES, MONEY))
    gone = mail(alice, findings=(LIES, MONEY))
    Scanned.objects.filter(pk=gone.id).update(source=one.id)
    monkeypatch.setattr(Told, "judge", lambda self, case, given: [MONEY])
    told = again("--rules").out
    assert "1 would change" in told
    assert "Junk -> inbox  6.5 -> 2.5 points" in told
    assert "1 messages are not kept any more" in told


def test_it_looks_up_anew(alice: User) -> None:
    mail(alice, findings=(LIES, MONEY))
    Told.findings = [MONEY.as_data()]
    assert "0 would change" in again("--rules").out
    assert "1 would change" in again("--lookups").out


def test_it_looks_only_at_the_time_that_is_named(alice: User) -> None:
    for hours in (1, 30, 60, 24 * 8):
        mail(alice, ago=hours * HOUR_US, findings=(LIES, MONEY))
    assert "3 messages" in again("--junk", "9").out
    assert "1 messages" in run("spam", "rescan", "--since", "2d", "--until", "25h", "--dry-run").out
    with time_machine.travel("2030-11-25T12:00:00Z", tick=False):
        mail(alice, ago=HOUR_US)
        told = run("spam", "rescan", "--since", "2030-11-25", "--until", "12h", "--dry-run")
        assert told.out.startswith("0 messages")
        told = run("spam", "rescan", "--since", "2030-11-25T11:00:00+00:00", "--dry-run")
        assert told.out.startswith("1 messages")


def test_it_writes_json(alice: User) -> None:
    one = mail(alice, findings=(LIES,))
    *changes, totals = again("--junk", "4", "--json").json
    assert [(change["id"], change["to"]) for change in changes] == [
        (ulid_text(one.id), alice.address)
    ]
    assert changes[0]["after"]["action"] == "junk"
    assert totals["totals"] == {
        "messages": 1,
        "copies": 1,
        "changes": {"inbox -> Junk": 1},
        "confirmed": {},
        "without_text": 0,
        "broken": 0,
    }
    assert again("--json").json[0]["totals"]["changes"] == {}


def test_it_shows_a_few_and_counts_all(alice: User, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(queries, "PAGE", 4)
    for _ in range(11):
        mail(alice, findings=(LIES,))
    told = again("--junk", "4", "--limit", "3").out
    assert told.count("inbox -> Junk  4 points") == 3
    assert "11 messages, 11 copies looked at; 11 would change." in told


def test_pages_have_every_verdict_once(alice: User, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(queries, "PAGE", 3)
    at = now_us()
    made = {judge(case(reader(alice), received_at_us=at + number // 4)).id for number in range(10)}
    found = [one.id for page in queries.between(at, at + 100) for one in page]
    assert len(found) == 10
    assert set(found) == made
    assert queries.count_between(at, at + 1) == 4


def test_it_goes_on_after_a_broken_verdict(alice: User) -> None:
    mail(alice, findings=(LIES,))
    broken = mail(alice, findings=(LIES,))
    Scanned.objects.filter(pk=broken.id).update(data=b"nothing")
    told = again("--junk", "4").out
    assert "1 would change" in told
    assert "1 verdicts cannot be read." in told


def test_it_knows_mail_that_is_sent_from_here(alice: User, bob: User) -> None:
    more: dict[str, Any] = {"user_id": alice.pk, "door": "submission", "judgement": {}}
    mail(recipients=("x@elsewhere.test",), findings=(LIES, MONEY), **more)
    assert "inbox -> quarantine  6.5 points" in again("--hold", "6").out
    assert "0 would change" in again("--hold", "6", "--user", bob.address).out
    assert "1 would change" in again("--hold", "6", "--user", alice.address).out


@pytest.mark.parametrize(
    ("words", "code", "sentence"),
    [
        (["--since", "7d"], 1, "Say --dry-run"),
        (["--dry-run"], 2, ""),
        (["--since", "yesterday", "--dry-run"], 2, ""),
        (["--since", "7d", "--dry-run", "--points", "LINK_LIES"], 2, ""),
        (["--since", "7d", "--dry-run", "--points", "link=3"], 2, ""),
        (["--since", "7d", "--dry-run", "--points", "LINK_*=nan"], 2, ""),
        (["--since", "7d", "--dry-run", "--junk", "nan"], 2, ""),
        (["--since", "7d", "--dry-run", "--refuse", "-inf"], 2, ""),
        (["--since", "7d", "--dry-run", "--block", "no name"], 1, "neither an address"),
    ],
)
def test_wrong_words_are_refused(words: list[str], code: int, sentence: str) -> None:
    told = run("spam", "rescan", *words)
    assert told.code == code
    assert sentence in told.err


def filed(one: Case, mailbox: Mailbox) -> None:
    """Where a message lies now, wherever it was put."""
    message = prepare(one.raw, trace_id=one.trace_id)
    delivered([filing(mailbox, message)])


def test_it_tells_what_readers_have_moved_themselves(alice: User, bob: User) -> None:
    inbox, junk = box(alice), box(alice, "Junk")
    put_into_junk = mail(alice, bob, findings=(LIES, MONEY))  # Done.JUNK
    filed(put_into_junk, inbox)
    filed(mail(alice, findings=(LIES, MONEY)), junk)
    filed(mail(alice, findings=(LIES, MONEY)), inbox)
    told = again("--junk", "9").out
    assert "  4  Junk -> inbox (2 of them their readers have moved so)" in told
    at = now_us() - HOUR_US
    low = judge(case(reader(alice), received_at_us=at), LIES, done=Deeds.INBOX)
    filed(low, junk)
    judge(case(reader(alice), received_at_us=at), LIES, done=Deeds.INBOX)
    *changes, _ = again("--junk", "4", "--json").json
    assert {change["id"]: change["confirmed"] for change in changes}[ulid_text(low.id)] is True
    assert [change["confirmed"] for change in changes].count(True) == 1


def test_it_says_on_a_terminal_how_far_it_is(alice: User, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(queries, "PAGE", 2)
    monkeypatch.setattr(OutputWrapper, "isatty", lambda self: True)
    for _ in range(3):
        mail(alice)
    assert again().err == "\r2 of 3 messages\r3 of 3 messages\n"
    assert again("--json").err == ""
