"""All checks together: nothing fails, and each verdict can be computed again exactly."""

from collections.abc import Sequence
from uuid import UUID

import pytest

from apps.directory.models import User
from apps.provisioning import services as provisioning
from apps.reception.keys import key_of
from apps.reception.models import Acquaintance
from apps.scan import record, replay, runner
from apps.scan.base import Action, Case
from apps.scan.checks import CHECKS
from apps.scan.services import verdicts
from apps.scan.verdict import Verdict
from tests.mime.broken.messages import all_messages
from tests.scan.attachments.made import EICAR, PROGRAM, mail, zipped
from tests.scan.baits import BAITS
from tests.scan.cases import reader
from tests.scan.rules import mail as making
from tests.scan.rules.dishonest import UNWANTED
from tests.scan.rules.examples import EXAMPLES, Example
from tests.scan.rules.honest import DIFFICULT, HONEST
from tests.support.cost import cost

pytestmark = pytest.mark.django_db

SOURCE = UUID(int=3)


def case_of(example: Example, *users: User) -> Case:
    """Its message, to users of ours."""
    readers = tuple(map(reader, users))
    more = {"readers": readers, "recipients": tuple(one.address for one in readers)}
    return making.case(example.raw, example.found, **{**example.more, **more})


def whole(cases: Sequence[Case]) -> list[Verdict]:
    """Judge by all checks, keep it, and compute it again."""
    found = runner.run(cases)
    for one, verdict in zip(cases, found, strict=True):
        assert verdict.failed == (), one.raw[:2_000]
        kept = verdicts.prepare(one, verdict, blob_id=SOURCE)
        known = record.unpack(kept.data)
        assert known.verdict == verdict
        assert replay.again(known, one.raw) == verdict
    return found


def test_checks_have_a_name_each() -> None:
    assert len({check.name for check in CHECKS}) == len(CHECKS)


def test_every_verdict_is_computed_again_exactly(alice: User, bob: User) -> None:
    cases = [case_of(one, alice, bob) for one in EXAMPLES.values()]
    assert len({finding.rule for one in whole(cases) for finding in one.findings}) > 80


def test_no_broken_message_makes_a_check_fail(alice: User) -> None:
    cases = [case_of(Example(raw), alice) for raw in all_messages().values()]
    for first in range(0, len(cases), 64):
        whole(cases[first : first + 64])


def test_files_are_judged_again_exactly(alice: User) -> None:
    files = {
        "virus": mail("a.com", EICAR),
        "zip": mail("a.zip", zipped({"a.exe": PROGRAM, "b.com": EICAR})),
        "program": mail("bill.pdf.exe", PROGRAM),
        "broken": mail("a.zip", zipped({"a.exe": PROGRAM})[:-30]),
    }
    found = whole([case_of(Example(raw), alice) for raw in files.values()])
    actions = [one.opinion(alice.pk).action for one in found]
    assert actions[:2] == [Action.REFUSE] * 2
    assert all(one.opinion(alice.pk).is_harmful for one in found[:2])


@pytest.mark.parametrize("name", [*HONEST, *DIFFICULT])
def test_all_checks_leave_honest_mail_in_the_inbox(name: str, alice: User) -> None:
    Acquaintance.objects.create(
        key=key_of("lists.test"), name="lists.test", first_day=1, last_day=9, days=9, messages=9
    )
    (verdict,) = whole([case_of((HONEST | DIFFICULT)[name], alice)])
    found = verdict.opinion(alice.pk)
    assert found.action is Action.NONE, [one.as_data() for one in verdict.findings]


def test_all_checks_file_spam_of_the_usual_kinds(alice: User) -> None:
    provisioning.add_user("carol@example.test", "correct horse battery", name="Carol Chief")
    found = whole([case_of(one, alice) for one in UNWANTED.values()])
    missed = {
        name: one.opinion(alice.pk)
        for name, one in zip(UNWANTED, found, strict=True)
        if one.opinion(alice.pk).action < Action.JUNK
    }
    assert missed == {}


@pytest.mark.parametrize("name", BAITS)
def test_no_bait_costs_more_than_a_moment(name: str, alice: User) -> None:
    one = case_of(Example(BAITS[name]), alice)
    assert cost(lambda: whole([one]), tries=1) < 1.0
