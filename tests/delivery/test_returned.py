"""Reports that come back: tied to the sender's own mail, believed in nothing else."""

from uuid import UUID

import pytest

from apps.delivery import returned
from apps.delivery.accept import accept
from apps.delivery.bounce import DOOR
from apps.directory.models import User
from apps.mailqueue import services as mailqueue
from apps.mailqueue.services import Claimed, EnvelopeRecipient, Submission
from apps.runtime.ulid import ulid_text
from apps.trace import services as trace
from tests.mime.test_dsn_reading import EXCHANGE, EXIM, LATE, POSTFIX, QMAIL
from tests.support.mail import RAW, local, submission

pytestmark = pytest.mark.django_db


def sent(
    user: User, *to: str, envelope_id: str = "", members: dict[str, str] | None = None
) -> UUID:
    """A message that a user sent with the Message-ID of the samples; its trace."""
    names = members or {}
    recipients = [EnvelopeRecipient(one, names.get(one, one), None) for one in to]
    return accepted(
        submission(recipients, sender=user.address, door="submission"),
        user_id=user.pk,
        message_id="<lunch@example.test>",
        dsn_envid=envelope_id,
    )


def accepted(item: Submission, **changes: object) -> UUID:
    fields = {name: getattr(item, name) for name in Submission.__dataclass_fields__}
    accept([Submission(**{**fields, **changes})])
    mailqueue.claim(10)
    return item.trace_id


def incoming(user: User, sender: str = "", door: str = "mx") -> Claimed:
    """Mail by the null path to a user's mailbox, as a worker has it."""
    item = submission(local(user), sender=sender, door=door)
    accept([item])
    return next(one for one in mailqueue.claim(10) if one.id == item.id)


def test_it_ties_a_report_to_the_message_it_is_about(alice: User) -> None:
    mine = sent(alice, "bob@example.org", "carol@example.org")
    report = incoming(alice)
    (event,) = returned.events(report, POSTFIX)
    assert (event.trace_id, event.kind) == (mine, "bounce.received")
    reply = event.data.pop("reply")
    assert reply.startswith("550 5.1.1 <bob@example.org>")
    assert event.data == {
        "to": "bob@example.org",
        "action": "failed",
        "status": "5.1.1",
        "host": "imap.example.org",
        "trace": ulid_text(report.trace_id),
    }


@pytest.mark.parametrize("raw", [QMAIL, EXIM, EXCHANGE, LATE])
def test_it_finds_the_recipient_that_a_report_in_words_means(alice: User, raw: bytes) -> None:
    mine = sent(alice, "carol@example.org", "bob@example.org")
    (event,) = returned.events(incoming(alice), raw)
    assert (event.trace_id, event.data["to"]) == (mine, "bob@example.org")
    assert event.data["action"] == ("delayed" if raw is LATE else "failed")


def test_it_finds_the_message_by_its_envelope_id(alice: User) -> None:
    mine = sent(alice, "bob@example.org", envelope_id="e-77")
    sent(alice, "bob@example.org")
    raw = POSTFIX.replace(b"Message-ID: <lunch@example.test>\r\n", b"").replace(
        b"Reporting-MTA", b"Original-Envelope-Id: e-77\r\nReporting-MTA"
    )
    (event,) = returned.events(incoming(alice), raw)
    assert event.trace_id == mine


def test_it_names_the_one_recipient_though_its_server_sent_it_further(alice: User) -> None:
    sent(alice, "b@example.org")
    (event,) = returned.events(incoming(alice), POSTFIX)
    assert (event.data["to"], event.data["final"]) == ("b@example.org", "bob@example.org")


def test_it_guesses_no_recipient_among_several(alice: User) -> None:
    sent(alice, "b@example.org", "c@example.org")
    (event,) = returned.events(incoming(alice), POSTFIX)
    assert (event.data["to"], event.data["final"]) == ("", "bob@example.org")


def test_it_knows_the_members_of_an_alias(alice: User) -> None:
    members = {"bob@example.org": "team@example.test", "eve@example.org": "team@example.test"}
    sent(alice, *members, members=members)
    (event,) = returned.events(incoming(alice), POSTFIX)
    assert event.data["to"] == "bob@example.org"


def test_it_believes_no_report_about_the_mail_of_others(alice: User, bob: User) -> None:
    sent(alice, "bob@example.org")
    assert returned.events(incoming(bob), POSTFIX) == []


def test_it_looks_at_nothing_but_foreign_mail_by_the_null_path(alice: User) -> None:
    sent(alice, "bob@example.org")
    assert returned.events(incoming(alice, sender="eve@outside.invalid"), POSTFIX) == []
    assert returned.events(incoming(alice, door=DOOR), POSTFIX) == []
    assert returned.events(incoming(alice), RAW) == []


def test_it_notes_a_bounded_number(alice: User, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(returned, "REPORTS_MAX", 3)
    sent(alice, "bob@example.org")
    for number in range(5):
        events = returned.events(incoming(alice), POSTFIX)
        assert len(events) == (number < 3)
        trace.record(events)


def test_it_reports_to_the_newest_messages_of_one_id(alice: User) -> None:
    traces = [sent(alice, "bob@example.org") for _ in range(returned.MESSAGES_MAX + 2)]
    events = returned.events(incoming(alice), POSTFIX)
    assert [event.trace_id for event in events] == traces[-returned.MESSAGES_MAX :]


@pytest.mark.parametrize("cut", range(0, len(POSTFIX), 97))
def test_it_takes_a_report_cut_anywhere(alice: User, cut: int) -> None:
    sent(alice, "bob@example.org")
    message = incoming(alice)
    for event in returned.events(message, POSTFIX[:cut]):
        assert event.data["to"] == "bob@example.org"
