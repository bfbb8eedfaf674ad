"""A message's way as each viewer may see it, by mail that really went through."""

from uuid import UUID

import pytest

from apps.delivery.accept import accept
from apps.delivery.recorder import index, journey, steps, verdicts
from apps.delivery.recorder.journey import Journey
from apps.delivery.recorder.sight import Viewer
from apps.delivery.states import State
from apps.directory.models import User
from apps.mailstore.models import FLAG_SEEN
from apps.mailstore.origin import Origin
from apps.mailstore.services import expunge, flags
from apps.mailstore.services.flags import FlagChange
from apps.provisioning import services as provisioning
from apps.runtime.ulid import new_ulid
from apps.trace import services as trace
from apps.trace.services import Event
from tests.mailstore.making import box
from tests.support.mail import drain, local, submission

pytestmark = pytest.mark.django_db
OPERATOR = Viewer(sees_all=True)


def sent(*users: User) -> UUID:
    mail = submission(local(*users))
    accept([mail])
    drain()
    return mail.trace_id


def told(trace_id: UUID, viewer: Viewer = OPERATOR) -> Journey:
    found = journey.tell(trace_id, viewer)
    assert found is not None
    return found


def administers(user: User) -> Viewer:
    assert user.domain_id is not None
    return Viewer(domains=frozenset({user.domain_id}))


def delete(user: User) -> None:
    expunge.expunge(
        mailbox_id=box(user).pk,
        uids=[1],
        marked=False,
        origin=Origin("imap", user.pk, "iPhone Mail", "192.0.2.9"),
    )


@pytest.mark.parametrize("is_indexed", [False, True])
def test_what_the_index_has_not_come_to_is_told_alike(
    alice: User, eve: User, is_indexed: bool
) -> None:
    trace_id = sent(alice, eve)
    if is_indexed:
        index.catch_up(seconds=10)
    for user, other in ((alice, eve), (eve, alice)):
        for viewer in (Viewer(user_id=user.pk), administers(user)):
            found = told(trace_id, viewer)
            assert found.folded.written == (user.address,)
            assert [one.address for one in found.recipients] == [user.address]
            assert other.address not in repr(found)
            assert found.owners == frozenset({user.pk})
    assert len(told(trace_id).recipients) == 2


def test_who_has_no_part_is_told_nothing(alice: User, bob: User) -> None:
    trace_id = sent(alice)
    assert journey.tell(trace_id, Viewer(user_id=bob.pk)) is None
    assert journey.tell(trace_id, Viewer(domains=frozenset({99_999}))) is None
    assert journey.tell(new_ulid(), OPERATOR) is None


def test_the_last_deed_with_a_copy_is_its_headline(alice: User) -> None:
    trace_id = sent(alice)
    assert told(trace_id).headline == told(trace_id).folded.cause
    delete(alice)
    words = "Deleted by a phone's mail app (iPhone Mail) at "
    assert told(trace_id).headline.startswith(words)
    assert told(trace_id, Viewer(user_id=alice.pk)).headline.startswith(words)


def test_of_several_copies_the_headline_says_what_became_of_the_message(
    alice: User, bob: User
) -> None:
    trace_id = sent(alice, bob)
    delete(alice)
    found = told(trace_id)
    assert found.headline == found.folded.cause
    assert told(trace_id, Viewer(user_id=alice.pk)).headline.startswith("Deleted by a phone's")


def test_who_acted_is_named_to_those_who_may_know(alice: User, eve: User, bob: User) -> None:
    trace_id = sent(alice)
    for actor in (bob, eve):
        flags.store(
            mailbox_id=box(alice).pk,
            uids=[1],
            change=FlagChange("add" if actor is bob else "remove", FLAG_SEEN),
            origin=Origin("imap", actor.pk),
        )
    people = told(trace_id, administers(alice)).people
    assert (people[bob.pk].address, people[eve.pk].address) == (bob.address, "")
    mine = told(trace_id, Viewer(user_id=alice.pk)).people
    assert (mine[bob.pk].address, mine[eve.pk].address) == (bob.address, "")
    assert told(trace_id).people[eve.pk].address == eve.address
    lines = [one.text for one in steps.steps(told(trace_id, administers(alice)))[0]]
    assert any("somebody else" in one for one in lines)
    assert not any("eve" in one for one in lines)


def test_an_address_that_is_given_anew_shows_nothing_of_before(alice: User) -> None:
    trace_id = sent(alice)
    index.catch_up(seconds=10)
    address = alice.address
    provisioning.remove_user(alice.key)
    User.objects.filter(pk=alice.pk).update(key="gone")
    heir, _ = provisioning.add_user(address, "correct horse battery")
    assert journey.tell(trace_id, Viewer(user_id=heir.pk)) is None


def test_who_has_gone_to_another_tenant_is_not_looked_after(alice: User, eve: User) -> None:
    """Of the message that came before they know; what is done with it now is not theirs."""
    trace_id = sent(alice)
    index.catch_up(seconds=10)
    before, after = administers(alice), administers(eve)
    delete(alice)
    assert told(trace_id, before).life.acts
    User.objects.filter(pk=alice.pk).update(domain=eve.domain)
    assert told(trace_id, before).life.acts == ()
    assert told(trace_id, before).headline == told(trace_id, before).folded.cause
    assert journey.tell(trace_id, after) is None
    assert told(trace_id, Viewer(user_id=alice.pk)).life.acts


def test_steps_are_by_time_and_together_where_they_are_alike(alice: User, bob: User) -> None:
    found, more = steps.steps(told(sent(alice, bob)))
    assert more == 0
    assert [one.title for one in found if one.icon == "inbox"] == ["Delivered to 2 mailboxes"]
    assert [one.at_us for one in found] == sorted(one.at_us for one in found)
    assert found[0].after_us == 0


def test_there_is_an_end_to_steps(alice: User, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(steps, "STEPS_MOST", 2)
    found, more = steps.steps(told(sent(alice)))
    assert len(found) == 2
    assert more > 0


@pytest.mark.parametrize(
    ("us", "words"),
    [(0, "0 ms"), (1_900_000, "1.9 s"), (240_000_000, "4 min"), (3 * 86_400_000_000, "3 days")],
)
def test_lengths_of_time(us: int, words: str) -> None:
    assert steps.span(us) == words


def test_a_reader_is_told_the_own_opinion_of_the_filter(alice: User, eve: User) -> None:
    trace_id = sent(alice, eve)
    found = told(trace_id, Viewer(user_id=alice.pk))
    assert "scan.judged" not in {one.kind for one in found.events}
    assert verdicts.judgement(found).rules == ()


def test_states_are_those_of_whom_one_may_see(alice: User, eve: User) -> None:
    trace_id = new_ulid()
    trace.record(
        [
            Event(
                trace_id,
                "mx.received",
                {"from": "c@out.test", "to": [alice.address, eve.address], "queue_id": "Q"},
            ),
            Event(trace_id, "local.delivered", {"to": alice.address, "mailbox": 1, "uid": 1}),
            Event(trace_id, "quarantine.kept", {"to": eve.address, "why": "spam"}),
        ]
    )
    states = {one.address: one.state for one in told(trace_id, administers(alice)).recipients}
    assert states == {alice.address: State.DELIVERED}
    states = {one.address: one.state for one in told(trace_id, administers(eve)).recipients}
    assert states == {eve.address: State.HELD}
