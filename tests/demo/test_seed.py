"""The demo in a database: whole, consistent, made once, and never in anybody's installation."""

import json
from collections import Counter
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from apps.delivery.process import run_once
from apps.demo import accounts, seed
from apps.demo import flow as mail_flow
from apps.demo.letters import Letter
from apps.demo.people import MAIN, people
from apps.demo.post import FEWEST, MESSAGES, Plan, letters
from apps.directory import routing
from apps.directory.models import Domain, Organization, User, UserState
from apps.directory.permissions import is_operator
from apps.mailqueue.models import QueuedRecipient
from apps.mailstore import queries
from apps.mailstore.fsck.checking import check
from apps.mailstore.models import Entry, Mailbox, Message, SpecialUse
from apps.mime.address import Address
from apps.provisioning import services as provisioning
from apps.runtime.ulid import parse_ulid, ulid_text
from apps.scan.models import Quarantined
from apps.trace import flow, passages
from apps.trace import queries as queries_of_traces
from apps.trace.flow import HOUR
from apps.trace.models import Flow, Outcome, Party, Passage, Role, TraceEvent
from tests.console.conftest import browser
from tests.demo.conftest import DAY, SMALL

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _as_a_demo(settings: Any) -> None:
    settings.DEMO = True


def nobody(done: int, total: int) -> None:
    """Listens to the progress."""


@pytest.fixture
def made() -> seed.Made:
    return seed.make(SMALL, nobody)


def main() -> User:
    found = accounts.main_user(people())
    assert found is not None
    return found


def test_it_makes_a_consistent_world(made: seed.Made, small: list[Letter]) -> None:
    assert list(check()) == []
    assert made.letters == len(small)
    assert Entry.objects.count() == made.copies
    assert Organization.objects.filter(name__in=[n for n, _ in people().organizations]).count() == 2
    assert Domain.objects.count() == 3
    assert User.objects.filter(kind="person").count() == 12
    assert is_operator(main())
    assert User.objects.get(key="daniel@fernhill.example").state == UserState.SUSPENDED
    assert not run_once()  # nothing waits in the queue


def test_it_shows_the_octets_that_were_written(made: seed.Made, small: list[Letter]) -> None:
    """The received letter behind our own Received; what its writer kept without."""
    raws = {letter.message_id: letter.raw for letter in small}
    rows = Entry.objects.values_list("message_id", "head_id", "message__message_id")
    for message_id, head_id, name in rows.order_by("mailbox_id", "uid"):
        shown = queries.shown_bytes(message_id, head_id)
        if head_id is None:
            assert shown == raws[name]
        else:
            assert shown.startswith(b"Return-Path: <")
            assert shown.endswith(raws[name])
            assert b"by mail.fernhill.example with ESMTPS" in shown


def test_it_tells_the_trace_of_each_delivered_message(made: seed.Made) -> None:
    delivered = set(Entry.objects.exclude(head=None).values_list("message__trace_id", flat=True))
    events = TraceEvent.objects.order_by("trace_id", "id").values_list("trace_id", "kind", "data")
    kinds: dict[object, list[str]] = {}
    for trace_id, kind, data in events:
        kinds.setdefault(trace_id, []).append(kind)
        if kind.endswith(".received"):
            assert parse_ulid(json.loads(data)["queue_id"]) is not None
    assert delivered <= set(kinds)
    for trace_id in delivered:
        told = [kind for kind in kinds[trace_id] if kind != "reception.judged"]
        assert told[0] in {"mx.received", "submission.received"}
        assert told[1:2] == ["scan.judged"]
        assert "local.delivered" in told
        assert set(told[2:]) <= {"local.delivered", "outbound.deferred", "outbound.delivered"}


def test_it_has_mail_flow(made: seed.Made) -> None:
    """Lists and pictures are there at once, and true: all of it can be looked at."""
    found = Counter(Passage.objects.values_list("outcome", flat=True))
    assert found[Outcome.REFUSED] > 100
    assert found[Outcome.PUT_OFF] > 20
    assert found[Outcome.JUNK] > 5
    assert found[Outcome.BOUNCED] > 3
    assert found[Outcome.QUARANTINED] == Quarantined.objects.count() == 4
    assert found[Outcome.HELD] == QueuedRecipient.objects.filter(state="held").count() == 3
    assert found[Outcome.WAITING] == found[Outcome.DEFERRED] == 0
    assert flow.standing().total.refused > 100
    assert not passages.standing().is_behind
    for domain in Domain.objects.all():
        hours = Flow.objects.filter(domain_id=domain.pk, span=HOUR)
        assert sum(one.delivered for one in hours) > 2, domain
    ours = Party.objects.filter(domain__in=Domain.objects.values("name"), role=Role.WRITTEN)
    assert not ours.filter(domain_id=None).exists()  # they have been here all the time


def test_each_way_of_a_message_can_be_shown(made: seed.Made) -> None:
    client = browser(main())
    for outcome in Passage.objects.order_by("outcome").values_list("outcome", flat=True).distinct():
        shown = Passage.objects.filter(outcome=outcome).order_by("-at")[0].trace_id
        answer = client.get(f"/admin/trace/{ulid_text(shown)}/")
        assert answer.status_code == 200, outcome
        assert b"cannot be read" not in answer.content


def test_a_copy_in_sent_knows_what_became_of_it(made: seed.Made, small: list[Letter]) -> None:
    sent = [one for one in small if one.sender.is_user and one.kind == "talk"]
    for letter in sent:
        assert queries_of_traces.sent_as(letter.message_id), letter.subject


def test_it_makes_aliases_folders_and_a_mailbox_that_is_nearly_full(made: seed.Made) -> None:
    def reached(text: str) -> int:
        return len(routing.resolve(Address.parse(text)).users)

    assert reached("studio@fernhill.example") == 6
    assert reached("project-anything@fernhill.example") == 2
    assert reached("whoever@kornblume.example") == 1
    assert reached("singers@hillside-choir.example") == 5
    names = set(Mailbox.objects.values_list("name", flat=True))
    assert {"家族と旅行", "العائلة", "परिवार", "Χορωδία/Παρτιτούρες", "Rezepte/Süßes"} <= names
    user = User.objects.get(key="oskar@hillside-choir.example")
    usage = queries.usage(user.pk)
    assert 0.94 < usage.size / usage.quota < 1.0


def test_it_files_in_batches_and_counts_them(
    small: list[Letter], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A constant number of statements for a batch, not for a message."""
    for name in ("present", "count"):  # seven messages, and hours and days: as many for any demo
        monkeypatch.setattr(mail_flow, name, lambda *_: None)
    said: list[tuple[int, int]] = []
    with CaptureQueriesContext(connection) as captured:
        seed.make(SMALL, lambda done, total: said.append((done, total)))
    assert said == sorted(said)
    assert said[-1] == (len(small), len(small))
    assert len(captured) < 1_100  # most are accounts and folders
    inserts = [one for one in captured if "INSERT INTO mailstore_message " in one["sql"]]
    assert 0 < len(inserts) <= 2 * (len(small) // seed.BATCH + 1)


def test_it_is_known_to_be_there_or_not(small: list[Letter]) -> None:
    assert accounts.made_on(people()) is None
    accounts.make(people())
    assert accounts.made_on(people()) is None  # a run that ended before the mail came
    seed.make(SMALL, nobody)  # goes on from there
    assert accounts.made_on(people()) is not None
    assert User.objects.filter(kind="person").count() == 12


def test_it_makes_all_mail_or_none(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(done: int, total: int) -> None:
        if done > 150:
            raise RuntimeError("the lights went out")

    with pytest.raises(RuntimeError):
        seed.make(SMALL, fail)
    assert Entry.objects.count() == 0
    assert accounts.made_on(people()) is None


@pytest.mark.parametrize("what", ["user", "domain"])
def test_it_stays_out_of_a_real_installation(what: str) -> None:
    provisioning.add_domain("real.test")
    if what == "user":
        provisioning.add_user("boss@real.test", "correct horse battery")
    before = User.objects.count()
    with pytest.raises(seed.NotOurs, match=r"not the demo's \(.*real\.test"):
        seed.make(SMALL, nobody)
    assert User.objects.count() == before


@pytest.mark.django_db(
    transaction=True
)  # Postgres truncates no table that a transaction has changed
def test_it_forgets_and_gives_no_uidvalidity_twice(made: seed.Made) -> None:
    before = set(Mailbox.objects.values_list("uidvalidity", flat=True))
    seed.forget()
    assert User.objects.count() == Message.objects.count() == 0
    seed.make(SMALL, nobody)
    assert not before & set(Mailbox.objects.values_list("uidvalidity", flat=True))
    assert list(check()) == []


@pytest.mark.long
@pytest.mark.timeout(300)
def test_it_makes_the_whole_demo(whole: list[Letter]) -> None:
    made = seed.make(Plan(DAY), nobody)
    assert made.letters == len(whole) >= MESSAGES
    assert list(check()) == []
    inbox = next(box for box in queries.mailboxes(main().pk) if box.special_use == SpecialUse.INBOX)
    assert 100 < inbox.counters.messages < 400
    assert 5 < inbox.counters.unseen < 80


def test_it_knows_the_smallest_demo(small: list[Letter]) -> None:
    """One of everything fits into FEWEST, so that `--messages` never lies."""
    assert len(letters(Plan(DAY, messages=0))) <= FEWEST
    assert MAIN in {account.person.key for account in people().accounts}
