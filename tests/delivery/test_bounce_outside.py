"""Reports and states where other servers have a say: through DNS, client, queue and back."""

from collections.abc import Iterator

import pytest

from apps.delivery import process, states
from apps.delivery.outbound import stopping
from apps.delivery.states import State
from apps.directory.models import User
from apps.mailqueue.models import QueuedMessage, QueuedRecipient
from apps.mailqueue.services import EnvelopeRecipient, Submission
from apps.mailstore import queries as mailstore
from apps.mailstore.models import Entry, Mailbox
from apps.mime import dsn, dsn_reading
from apps.mime.dsn import Action
from apps.mime.dsn_reading import ReportedRecipient
from apps.trace import queries as traces
from tests.support.mail import submission
from tests.support.outgoing import Outside, outside, queue, queue_all, send
from tests.support.smtp_sink import EXTENSIONS

pytestmark = pytest.mark.django_db(transaction=True)

BOB = "bob@a.test"
WITHOUT_DSN = tuple(word for word in EXTENSIONS if word != "DSN")


@pytest.fixture
def world() -> Iterator[Outside]:
    with outside() as made:
        yield made
    stopping.reset()


def sent(
    user: User, *recipients: EnvelopeRecipient, envelope_id: str = "", ret: str = ""
) -> Submission:
    """A message that a user submitted, on its way."""
    item = submission(recipients, sender=user.address, door="submission")
    fields = {name: getattr(item, name) for name in Submission.__dataclass_fields__}
    fields.update(
        user_id=user.pk, message_id="<q3@outside.invalid>", dsn_envid=envelope_id, dsn_ret=ret
    )
    made = Submission(**fields)
    queue_all([made])
    return made


def bob(notify: str = "", orcpt: str = "", original: str = BOB) -> EnvelopeRecipient:
    return EnvelopeRecipient(BOB, original, None, orcpt, notify)


def reported(user: User) -> list[tuple[ReportedRecipient, ...]]:
    """The recipients that each report in the user's inbox tells of."""
    while process.run_once():
        pass
    mailbox = Mailbox.objects.get(user=user, special_use="inbox")
    found = []
    for entry in Entry.objects.filter(mailbox=mailbox).order_by("uid"):
        reading = dsn_reading.read(mailstore.shown_bytes(entry.message_id, entry.head_id))
        assert reading is not None
        found.append(reading.recipients)
    return found


def test_it_tells_the_sender_what_the_other_server_said(world: Outside, alice: User) -> None:
    world.domain("a.test").on("RCPT", "550 5.2.2 mailbox full")
    sent(alice, bob())
    send()
    (((one),),) = reported(alice)
    assert (one.address, one.action, one.status) == (BOB, Action.FAILED, "5.2.2")
    assert one.reply.startswith("550 ")
    assert one.reply.endswith("mailbox full")
    (state,) = states.of_message(alice.pk, "<q3@outside.invalid>")
    assert (state.state, state.status, state.tries) == (State.FAILED, "5.2.2", 1)


def test_it_hands_the_duty_to_report_to_who_takes_it(world: Outside, alice: User) -> None:
    sink = world.domain("a.test")
    sent(alice, bob("SUCCESS,FAILURE", "rfc822;bob+x@a.test"), envelope_id="e 1", ret="HDRS")
    send()
    (message,) = sink.messages
    assert "RET=HDRS" in message.mail_parameters
    assert "ENVID=e+201" in message.mail_parameters
    assert "NOTIFY=SUCCESS,FAILURE" in message.rcpt_parameters[0]
    assert "ORCPT=rfc822;bob+2Bx@a.test" in message.rcpt_parameters[0]
    assert reported(alice) == []


@pytest.mark.parametrize(("notify", "is_told"), [("SUCCESS", True), ("", False), ("NEVER", False)])
def test_it_reports_itself_for_who_does_not(
    world: Outside, alice: User, notify: str, is_told: bool
) -> None:
    sink = world.domain("a.test", extensions=WITHOUT_DSN)
    sent(alice, bob(notify, "rfc822;bob@a.test"), envelope_id="e1", ret="HDRS")
    send()
    (message,) = sink.messages
    assert "NOTIFY" not in message.rcpt_parameters[0]
    assert "ENVID" not in message.mail_parameters
    actions = [one.action for recipients in reported(alice) for one in recipients]
    assert actions == ([Action.RELAYED] if is_told else [])
    (state,) = states.of_message(alice.pk, "<q3@outside.invalid>")
    assert (state.state, state.is_accepted, state.is_confirmed) == (State.DELIVERED, True, False)
    assert state.text.startswith("Accepted by ")


def test_it_asks_no_member_of_an_alias_for_success(world: Outside, alice: User) -> None:
    sink = world.domain("a.test")
    notify = dsn.for_members("SUCCESS,FAILURE")
    carol = EnvelopeRecipient("carol@a.test", "team@example.test", None, "", notify)
    sent(alice, bob(notify, original="team@example.test"), carol)
    send()
    asked = [word for message in sink.messages for word in message.rcpt_parameters]
    assert len(asked) == 2
    assert all("NOTIFY=FAILURE" in word and "EXPANDED" not in word for word in asked)
    (((team),),) = reported(alice)
    assert (team.address, team.action) == ("team@example.test", Action.EXPANDED)
    (state,) = states.of_message(alice.pk, "<q3@outside.invalid>")
    assert (state.address, state.members, state.reached) == ("team@example.test", 2, 2)


def test_it_reports_to_a_stranger_by_the_null_path_and_hides_the_target(world: Outside) -> None:
    home = world.domain("home.test")
    world.domain("a.test").on("RCPT", f"550 5.1.1 <{BOB}> is unknown")
    item = submission([bob(original="info@example.test")], sender="carol@home.test")
    queue_all([item])
    send()
    queue_all([])
    send()
    (report,) = home.messages
    assert (report.sender, report.recipients) == ("", ["carol@home.test"])
    assert "NOTIFY=NEVER" in report.rcpt_parameters[0]
    assert BOB.encode() not in report.text
    reading = dsn_reading.read(report.text)
    assert reading is not None
    assert [one.address for one in reading.recipients] == ["info@example.test"]


def test_it_gives_up_a_report_that_nobody_takes(world: Outside) -> None:
    """The end of every chain of reports: it fails, and its trace says why nobody hears of it."""
    world.domain("home.test").on("RCPT", "550 5.1.1 who?")
    world.domain("a.test").on("RCPT", "550 5.1.1 who?")
    queue(BOB, sender="carol@home.test")
    send()
    queue_all([])
    send()
    queue_all([])
    send()
    assert QueuedMessage.objects.count() == 2
    assert set(QueuedRecipient.objects.values_list("state", flat=True)) == {"failed"}
    report = QueuedMessage.objects.get(sender="")
    dropped = [one for one in traces.events_of(report.trace_id) if one.kind == "bounce.dropped"]
    assert len(dropped) == 1
