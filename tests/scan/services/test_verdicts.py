"""Verdicts are kept whole, and go when their message is gone."""

import json
from dataclasses import replace
from uuid import UUID

import pytest
from django.db import transaction

from apps.directory.models import User
from apps.mailqueue import services as mailqueue
from apps.mailstore.models import Message
from apps.runtime.clock import now
from apps.runtime.ulid import new_ulid
from apps.scan import record
from apps.scan.base import Action, Case, Finding, Reader
from apps.scan.deeds import Deed, Done
from apps.scan.models import Scanned
from apps.scan.services import verdicts
from apps.scan.verdict import Opinion, Standing, Verdict
from tests.mailstore.making import box, delivered, filing, prepared
from tests.support.mail import local, submission

pytestmark = pytest.mark.django_db

ALICE = Reader(7, "alice@example.test", "a.lice@example.test", "example.test", 1)
SOURCE = UUID(int=5)


def case(raw: bytes = b"Message-ID: <1@example.org>\r\n\r\n") -> Case:
    return Case(
        id=new_ulid(),
        trace_id=new_ulid(),
        raw=raw,
        sender="bob@example.org",
        recipients=(ALICE.address, "carol@example.org"),
        readers=(ALICE,),
        door="mx",
        received_at_us=1_700_000_000_000_000,
        client={"address": "192.0.2.1"},
        judgement={"listed": "is listed by x"},
    )


VERDICT = Verdict(
    findings=(
        Finding("CHEAP", 4.1, 'it offers "\ud800\0watches"', 7),
        Finding("VIRUS", 0.1, "it has a virus", action=Action.QUARANTINE),
    ),
    opinions={
        7: Opinion(4.2, Action.QUARANTINE, "it has a virus", is_harmful=True),
        0: Opinion(0.1),
    },
    standings={7: Standing(junk=None, allowed="somebody"), 0: Standing()},
    given={"links": {"x": [1, 0.1 + 0.2, None, "ü"]}},
    failed=("history",),
)


def test_it_keeps_a_verdict_whole() -> None:
    one = case()
    deed = Deed(ALICE.address, ALICE.written, 7, Done.QUARANTINE, "it has a virus")
    verdicts.keep([(verdicts.prepare(one, VERDICT, blob_id=SOURCE), [deed])])
    row = Scanned.objects.get()
    assert (row.id, row.trace_id, row.source) == (one.id, one.trace_id, SOURCE)
    assert (row.message_id, row.points, row.action) == ("<1@example.org>", 4.2, Action.QUARANTINE)
    assert row.at == one.received_at_us
    kept = record.unpack(bytes(row.data))
    assert kept.verdict == VERDICT
    assert kept.with_message(one.raw) == one
    assert [sender.address for sender in kept.senders] == ["bob@example.org"]
    assert json.loads(row.deeds)[0]["done"] == "quarantine"


def test_it_keeps_the_second_verdict_of_a_message_judged_twice() -> None:
    one, other = case(), case()
    verdicts.keep([(verdicts.prepare(item, VERDICT, blob_id=SOURCE), []) for item in (one, other)])
    verdicts.keep([(verdicts.prepare(one, Verdict(), blob_id=SOURCE), [])])
    kept = {row.id: row for row in Scanned.objects.all()}
    assert kept[one.id].points == 0
    assert record.unpack(bytes(kept[one.id].data)).verdict == Verdict()
    assert kept[other.id].points == 4.2


@pytest.mark.parametrize(
    "data", [b"", b"nothing", record.pack(record.record_of(case(), VERDICT))[:-9]]
)
def test_it_says_that_a_record_is_broken(data: bytes) -> None:
    with pytest.raises(record.BrokenRecordError):
        record.unpack(data)


def test_a_verdict_goes_when_its_message_is_nowhere(
    alice: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(verdicts, "PRUNE_ROWS", 3)
    gone = [case() for _ in range(8)]
    queued, filed, young = case(), case(), case()
    for one in (*gone, queued, filed, young):
        verdicts.keep([(verdicts.prepare(one, VERDICT, blob_id=SOURCE), [])])
    Scanned.objects.filter(pk=young.id).update(look_at=now() + 60)
    with transaction.atomic():
        mailqueue.enqueue([replace(submission(local(alice)), id=queued.id)])
    delivered([filing(box(alice), prepared())])
    Message.objects.update(trace_id=filed.trace_id)
    assert verdicts.prune() == 8
    assert set(Scanned.objects.values_list("pk", flat=True)) == {queued.id, filed.id, young.id}
    assert verdicts.prune() == 0
    later = Scanned.objects.get(pk=filed.id).look_at
    assert later > now() + (verdicts.KEEP_DAYS - 1) * 86_400
