"""Reports to senders: who is told, what, once; and who never is (RFC 3461, 3464)."""

import base64
import email
import email.policy
import json
import random
from dataclasses import replace
from email.message import EmailMessage

import pytest
from django.core.cache import cache
from django.db import OperationalError, connection, transaction
from django.test.utils import CaptureQueriesContext
from flufl.bounce import all_failures

from apps.blobs import queries as blobs
from apps.blobs import storage
from apps.blobs.backends.contract import MissingObjectError
from apps.blobs.models import Blob
from apps.delivery import backscatter, bounce, process, reporting
from apps.delivery.accept import accept
from apps.delivery.bounce import Fate, Report
from apps.directory.models import Domain, User
from apps.mailauth.types import Authentication, Dkim, Dmarc, Policy, Result, Spf
from apps.mailqueue import services as mailqueue
from apps.mailqueue.models import QueuedMessage, QueuedRecipient
from apps.mailqueue.services import Claimed, EnvelopeRecipient, Submission
from apps.mailstore import queries as mailstore
from apps.mailstore.models import Entry, Mailbox, Usage
from apps.mime import dsn, dsn_reading
from apps.mime.dsn import Action
from apps.provisioning import services as provisioning
from apps.reception.judging import Case, Judgement
from apps.trace import queries as trace
from tests.support.mail import RAW, submission

pytestmark = pytest.mark.django_db

DAVE = "dave@outside.invalid"


def claimed(
    sender: str, raw: bytes = RAW, *, user: User | None = None, **changes: object
) -> Claimed:
    """A message to Dave outside, as a worker has it."""
    recipient = EnvelopeRecipient(DAVE, DAVE, None)
    item = submission([recipient], raw, sender=sender, door="submission" if user else "mx")
    fields = {name: getattr(item, name) for name in Submission.__dataclass_fields__}
    fields.update(changes, user_id=user.pk if user else None)
    accept([Submission(**fields)])
    return next(message for message in mailqueue.claim(10) if message.id == item.id)


def fate(action: Action = Action.FAILED, **changes: object) -> Fate:
    told = {
        "recipient_id": 1,
        "address": DAVE,
        "original": DAVE,
        "orcpt": "",
        "notify": "",
        "action": action,
        "status": "5.1.1" if action is Action.FAILED else "2.0.0",
        "reply": "User unknown",
        "is_remote": True,
        "code": 550,
        "host": "mx.outside.invalid",
        **changes,
    }
    return Fate(**told)  # type: ignore[arg-type]


def mail_of(reports: list[Report]) -> EmailMessage:
    """The one report there is, read."""
    (report,) = reports
    assert report.mail is not None
    return parsed(raw_of(report))


def raw_of(report: Report) -> bytes:
    assert report.mail is not None
    with transaction.atomic():
        bounce.send([report])
    return blobs.read(report.mail.blob.id)


def parsed(raw: bytes) -> EmailMessage:
    message = email.message_from_bytes(raw, policy=email.policy.default)
    assert isinstance(message, EmailMessage)
    return message


def words(message: EmailMessage) -> str:
    """The text for people, on one line."""
    return " ".join(next(iter(message.iter_parts())).get_content().split())


def test_it_says_who_why_whether_final_and_what_to_do(alice: User) -> None:
    message = mail_of(bounce.prepare(claimed(alice.address), [fate()]))
    assert message["from"] == "Mail Delivery System <postmaster@example.test>"
    assert message["to"] == "alice@example.test"
    assert message["subject"] == "Undeliverable: Quarterly figures"
    assert message["in-reply-to"] == "<q3@outside.invalid>"
    assert words(message).startswith(
        'Your message "Quarterly figures" could not be delivered to dave@outside.invalid. There is'
        " no mailbox of this name there. This is final: it will not be tried again. Check the"
        " address for a slip of the keys and send the message again."
        " dave@outside.invalid mx.outside.invalid answered: 550 User unknown"
    )


def test_it_delivers_the_report_by_the_null_path(alice: User) -> None:
    message = claimed(alice.address)
    with transaction.atomic():
        bounce.send(bounce.prepare(message, [fate()]))
    row = QueuedMessage.objects.exclude(id=message.id).get()
    assert (row.sender, row.door) == ("", bounce.DOOR)
    assert process.run_once()
    mailbox = Mailbox.objects.get(user=alice, special_use="inbox")
    (entry,) = Entry.objects.filter(mailbox=mailbox)
    raw = mailstore.shown_bytes(entry.message_id, entry.head_id)
    assert raw.startswith(b"Return-Path: <>\r\n")
    assert b"report-type=delivery-status" in raw


def test_it_returns_headers_only(alice: User) -> None:
    message = mail_of(bounce.prepare(claimed(alice.address, user=alice), [fate()]))
    part = list(message.iter_parts())[2]
    assert part.get_content_type() == "text/rfc822-headers"
    returned = part.get_content()
    assert "Message-ID: <q3@outside.invalid>" in returned
    assert "Received: from outside.invalid" in returned
    assert "figures are attached" not in returned


def test_it_returns_all_to_a_user_who_asks(alice: User) -> None:
    message = claimed(alice.address, user=alice, dsn_ret="FULL")
    part = list(mail_of(bounce.prepare(message, [fate()])).iter_parts())[2]
    assert part.get_content_type() == "message/rfc822"
    assert "figures are attached" in part.as_string()
    late = mail_of(bounce.prepare(message, [fate(Action.DELAYED, status="4.4.1")]))
    assert list(late.iter_parts())[2].get_content_type() == "text/rfc822-headers"


def test_it_returns_no_content_to_somebody_who_did_not_sign_in(alice: User) -> None:
    """Else a stranger could send anything to Alice through us, in her own name."""
    message = claimed(alice.address, dsn_ret="FULL")
    part = list(mail_of(bounce.prepare(message, [fate()])).iter_parts())[2]
    assert part.get_content_type() == "text/rfc822-headers"


def test_it_returns_no_content_of_what_needs_tls_or_is_large(
    alice: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    secret = claimed(alice.address, user=alice, dsn_ret="FULL", requires_tls=True)
    (report,) = bounce.prepare(secret, [fate()])
    assert report.mail is not None
    assert report.mail.requires_tls  # RFC 8689 section 5
    assert b"figures are attached" not in raw_of(report)
    monkeypatch.setattr(reporting, "FULL_MAX", 100)
    large = claimed(alice.address, user=alice, dsn_ret="FULL")
    assert b"figures are attached" not in raw_of(bounce.prepare(large, [fate()])[0])


def test_it_hides_what_the_sender_hid(alice: User) -> None:
    raw = b"Bcc: eve@other.test\r\n" + RAW
    message = claimed(alice.address, raw, cuts=((0, 21),))
    # With its domain: the name of a message may end in any letters before its "@".
    assert b"eve@other" not in raw_of(bounce.prepare(message, [fate()])[0])


def test_it_never_reports_on_a_report() -> None:
    (report,) = bounce.prepare(claimed(""), [fate(), fate(Action.DELAYED)])
    assert report.mail is None
    with transaction.atomic():
        bounce.send([report])
    assert QueuedMessage.objects.count() == 1
    (event,) = [
        one for one in trace.events_of(report.events[0].trace_id) if one.kind == "bounce.dropped"
    ]
    assert event.data == {"about": [DAVE], "why": bounce.NULL_SENDER}


def judged(spf: Spf, dmarc: Dmarc, *, is_trusted: bool = False, signer: str = "") -> str:
    dkim = (Dkim(Result.PASS, signer),) if signer else ()
    case = Case(Authentication(spf=spf, dkim=dkim, dmarc=dmarc), is_trusted=is_trusted)
    return json.dumps(Judgement(case).as_data())


_BANK = Dmarc(Result.FAIL, "bank.test", policy=Policy.REJECT, disposition=Policy.REJECT)
_OTHER = replace(_BANK, author="outside.invalid", domain="outside.invalid")
_FAIL, _PASS = Spf(Result.FAIL, "outside.invalid"), Spf(Result.PASS, "outside.invalid")


@pytest.mark.parametrize(
    ("judgement", "is_told"),
    [
        ("", True),  # nobody asked: LMTP
        (judged(_PASS, Dmarc()), True),
        (judged(Spf(Result.SOFTFAIL, "outside.invalid"), Dmarc()), True),
        (judged(_FAIL, Dmarc()), False),
        (judged(replace(_FAIL, scope="helo"), Dmarc()), True),
        # A forwarder kept the sender's address, and his signature holds: it is he.
        (judged(_FAIL, Dmarc(), signer="mail.outside.invalid"), True),
        (judged(_FAIL, Dmarc(), signer="forwarder.test"), False),
        # Backup MX of our own: SPF is about that, not about the sender.
        (judged(_FAIL, _OTHER, is_trusted=True), True),
        # A list sends on what somebody wrote, in its own name: the list is told.
        (judged(_PASS, _BANK), True),
        (judged(Spf(Result.NONE, "outside.invalid"), _BANK), True),
        (judged(Spf(Result.NONE, "outside.invalid"), _OTHER), False),
        (judged(Spf(Result.NONE, "outside.invalid"), replace(_OTHER, policy=Policy.NONE)), True),
        (judged(Spf(Result.TEMPERROR), replace(_OTHER, result=Result.TEMPERROR)), True),
    ],
)
@pytest.mark.parametrize("action", [Action.FAILED, Action.DELAYED])
def test_it_tells_no_sender_that_is_forged(
    domain: Domain, judgement: str, is_told: bool, action: Action
) -> None:
    message = claimed("carol@outside.invalid", judgement=judgement)
    (report,) = bounce.prepare(message, [fate(action)])
    assert (report.mail is not None) is is_told
    if not is_told:
        assert [event.data["why"] for event in report.events] == [bounce.FORGED]


def test_it_tells_users_who_signed_in_whatever_is_known(alice: User) -> None:
    message = claimed(alice.address, user=alice, judgement=judged(_FAIL, _OTHER))
    assert mail_of(bounce.prepare(message, [fate()]))


@pytest.mark.parametrize(
    ("notify", "told"),
    [
        ("", {Action.FAILED, Action.DELAYED}),
        ("NEVER", set()),
        ("FAILURE", {Action.FAILED}),
        ("DELAY", {Action.DELAYED}),
        ("SUCCESS", {Action.DELIVERED, Action.RELAYED}),
        ("SUCCESS,FAILURE", {Action.DELIVERED, Action.RELAYED, Action.FAILED}),
        (dsn.for_members("SUCCESS,FAILURE"), {Action.EXPANDED, Action.FAILED}),
        (dsn.for_members("SUCCESS"), {Action.EXPANDED}),
    ],
)
def test_it_tells_what_notify_asks_for(alice: User, notify: str, told: set[Action]) -> None:
    message = claimed(alice.address)
    for action in Action:
        reports = bounce.prepare(message, [fate(action, notify=notify)])
        assert any(report.mail for report in reports) == (action in told)
        if action is Action.FAILED and action not in told:
            assert reports[0].events[0].data["why"] == bounce.NOT_WANTED


@pytest.mark.parametrize(
    ("notify", "member", "onward"),
    [
        ("", "", ""),
        ("NEVER", "NEVER", "NEVER"),
        ("SUCCESS", "EXPANDED", "NEVER"),
        ("SUCCESS,FAILURE,DELAY", "EXPANDED,FAILURE,DELAY", "FAILURE,DELAY"),
        ("FAILURE", "FAILURE", "FAILURE"),
    ],
)
def test_it_lets_no_member_of_an_alias_report_success(
    notify: str, member: str, onward: str
) -> None:
    assert dsn.for_members(notify) == member
    assert dsn.onward(member) == onward


def test_it_writes_the_fields_that_the_sender_gave(alice: User) -> None:
    message = claimed(alice.address, dsn_envid="QQ314159")
    (report,) = bounce.prepare(message, [fate(orcpt="rfc822;Dave@outside.invalid")])
    reading = dsn_reading.read(raw_of(report))
    assert reading is not None
    assert reading.envelope_id == "QQ314159"
    (dave,) = reading.recipients
    assert (dave.address, dave.original) == (DAVE, "Dave@outside.invalid")
    assert (dave.status, dave.reply) == ("5.1.1", "550 User unknown")


def test_it_does_not_tell_where_an_alias_leads(alice: User) -> None:
    hidden = fate(
        address="private@elsewhere.invalid",
        original="info@example.test",
        reply="5.1.1 <Private@elsewhere.invalid>: unknown",
    )
    raw = raw_of(bounce.prepare(claimed("carol@outside.invalid"), [hidden])[0])
    assert b"private@" not in raw.lower()
    reading = dsn_reading.read(raw)
    assert reading is not None
    assert reading.recipients[0].address == "info@example.test"
    assert parsed(raw)["from"] == "Mail Delivery System <postmaster@example.test>"


@pytest.mark.parametrize("is_remote", [True, False])
@pytest.mark.parametrize("action", [Action.FAILED, Action.DELAYED, Action.RELAYED])
def test_it_does_not_tell_which_servers_an_alias_leads_to(
    alice: User, action: Action, is_remote: bool
) -> None:
    hidden = fate(
        action,
        address="private@elsewhere.invalid",
        original="info@example.test",
        notify="SUCCESS,FAILURE,DELAY",
        reply="mx7.Elsewhere.invalid [192.0.2.1] says no, see https://elsewhere.invalid/help",
        is_remote=is_remote,
        host="mx7.elsewhere.invalid",
    )
    raw = raw_of(bounce.prepare(claimed("carol@outside.invalid"), [hidden])[0])
    assert b"elsewhere" not in raw.lower()
    assert b"Remote-MTA" not in raw
    assert (b"The other server answered: 550" in raw) is (is_remote and action != Action.RELAYED)


def test_it_tells_of_each_sort_in_a_report_of_its_own(alice: User) -> None:
    fates = [
        fate(recipient_id=1),
        fate(recipient_id=2, address="x@a.invalid", original="x@a.invalid"),
        fate(Action.DELAYED, recipient_id=3, status="4.4.1", until_us=1_795_000_000_000_000),
        fate(Action.RELAYED, recipient_id=4, notify="SUCCESS"),
        fate(Action.DELIVERED, recipient_id=5, notify="SUCCESS", reply="", host=""),
    ]
    reports = bounce.prepare(claimed(alice.address), fates)
    subjects = [parsed(raw_of(report))["subject"].partition(":")[0] for report in reports]
    assert subjects == ["Undeliverable", "Delayed", "Handed over"]


def test_it_bounds_the_recipients_of_one_report(
    alice: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bounce, "RECIPIENTS_PER_REPORT", 2)
    fates = [
        fate(recipient_id=n, address=f"{n}@a.invalid", original=f"{n}@a.invalid") for n in range(5)
    ]
    reports = bounce.prepare(claimed(alice.address), fates)
    counts = []
    for report in reports:
        reading = dsn_reading.read(raw_of(report))
        assert reading is not None
        counts.append(len(reading.recipients))
    assert counts == [2, 2, 1]


def test_it_happens_once_whatever_is_retried(alice: User) -> None:
    message = claimed(alice.address)
    for _ in range(3):
        reports = bounce.prepare(message, [fate()])
        with transaction.atomic():
            bounce.send(reports)
            bounce.send(reports)
    assert QueuedMessage.objects.filter(door=bounce.DOOR).count() == 1
    kinds = [event.kind for event in trace.events_of(message.trace_id)]
    assert kinds.count("bounce.sent") == 1
    with transaction.atomic():
        bounce.send(bounce.prepare(message, [fate(recipient_id=2)]))
    assert QueuedMessage.objects.filter(door=bounce.DOOR).count() == 2


def test_it_belongs_to_the_callers_transaction(alice: User) -> None:
    reports = bounce.prepare(claimed(alice.address), [fate()])
    with transaction.atomic():
        bounce.send(reports)
        transaction.set_rollback(True)
    assert not QueuedMessage.objects.filter(door=bounce.DOOR).exists()
    assert not any(
        event.kind == "bounce.sent" for event in trace.events_of(reports[0].events[0].trace_id)
    )


def large(alice: User) -> Report:
    """A report that is too large to be kept in its row."""
    noise = base64.b64encode(random.Random(1).randbytes(200_000))
    raw = RAW + b"\r\n".join(noise[at : at + 76] for at in range(0, len(noise), 76))
    (report,) = bounce.prepare(claimed(alice.address, raw, user=alice, dsn_ret="FULL"), [fate()])
    assert report.mail is not None
    assert report.mail.blob.key
    return report


def is_there(report: Report) -> bool:
    assert report.mail is not None
    try:
        return bool(storage.backend().read(report.mail.blob.key, 0, 1))
    except MissingObjectError:
        return False


def test_it_removes_what_it_wrote_for_nothing(alice: User) -> None:
    report = large(alice)
    assert is_there(report)
    bounce.discard([report])
    assert not is_there(report)


def test_it_removes_nothing_that_was_kept(alice: User) -> None:
    """A commit whose outcome was unknown had happened."""
    report = large(alice)
    with transaction.atomic():
        bounce.send([report])
    bounce.discard([report])
    assert b"report-type=delivery-status" in raw_of(report)


def test_it_removes_nothing_while_the_database_is_away(
    alice: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    report = large(alice)

    def fail(*_: object) -> None:
        raise OperationalError("gone")

    monkeypatch.setattr(mailqueue, "known", fail)
    bounce.discard([report])
    assert is_there(report)


def test_it_floods_no_stranger(alice: User, monkeypatch: pytest.MonkeyPatch) -> None:
    """Anybody can write anybody's name as sender, and have a forward of ours fail."""
    monkeypatch.setattr(backscatter, "PER_ADDRESS", 2)
    monkeypatch.setattr(backscatter, "PER_DOMAIN", 4)
    told = []
    for name in ("victim", "Victim", "victim", "x", "y", "z"):
        message = claimed(f"{name}@outside.invalid")
        (report,) = bounce.prepare(message, [fate()])
        told.append(report.mail is not None)
    assert told == [True, True, False, True, False, False]
    assert report.events[0].data["why"] == bounce.TOO_MANY
    assert all(
        bounce.prepare(claimed(alice.address, user=alice), [fate()])[0].mail for _ in range(4)
    )


def test_it_reports_though_nobody_counts(alice: User, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise ConnectionError

    monkeypatch.setattr(cache, "add", fail)
    (report,) = bounce.prepare(claimed("carol@outside.invalid"), [fate()])
    assert report.mail is not None


@pytest.mark.parametrize("sender", ["nobody@example.test", "alice@example.test", "no address"])
def test_it_tells_nobody_where_nobody_is(alice: User, sender: str) -> None:
    if sender == alice.address:
        User.objects.filter(pk=alice.pk).update(state="suspended")
    (report,) = bounce.prepare(claimed(sender), [fate()])
    assert report.mail is None
    assert report.events[0].kind == "bounce.dropped"


def test_it_sends_a_report_outside_without_asking_for_another(alice: User) -> None:
    (report,) = bounce.prepare(claimed("carol@outside.invalid"), [fate()])
    raw_of(report)
    assert report.mail is not None
    row = QueuedRecipient.objects.get(message=report.mail.id)
    assert (row.address, row.user_id, row.notify) == ("carol@outside.invalid", None, "NEVER")


def test_it_reaches_a_user_whose_mailbox_is_full(alice: User) -> None:
    message = claimed(alice.address)
    User.objects.filter(pk=alice.pk).update(quota=1)
    with transaction.atomic():
        bounce.send(bounce.prepare(message, [fate()]))
    process.run_once()
    assert Usage.objects.get(user=alice).messages == 1


def test_it_reports_to_who_an_alias_stands_for(alice: User, bob: User) -> None:
    provisioning.add_alias("team@example.test", ["alice@example.test", "bob@example.test"])
    (report,) = bounce.prepare(claimed("team@example.test"), [fate()])
    assert report.mail is not None
    assert {one.user_id for one in report.mail.recipients} == {alice.pk, bob.pk}


def test_it_reports_though_the_message_is_damaged(alice: User) -> None:
    message = claimed(alice.address)
    Blob.objects.filter(id=message.blob_id).update(sha256=b"\0" * 32)
    parts = list(mail_of(bounce.prepare(message, [fate()])).iter_parts())
    assert [part.get_content_type() for part in parts] == ["text/plain", "message/delivery-status"]


def test_it_costs_nothing_where_nobody_need_be_told(alice: User) -> None:
    message = claimed(alice.address)
    with CaptureQueriesContext(connection) as captured:
        assert bounce.prepare(message, [fate(Action.DELIVERED), fate(Action.RELAYED)]) == []
    assert len(captured) == 0


def test_it_lets_no_reply_or_subject_forge_a_report(alice: User) -> None:
    raw = RAW.replace(b"Quarterly figures", b"=?utf-8?B?DQpCY2M6IGV2ZUBvdGhlci50ZXN0DQoNCg==?=")
    evil = fate(
        reply="no\r\n\r\n--x\r\nContent-Type: text/html\r\n\r\n<a href=//evil>", host="a\r\nB: c"
    )
    message = mail_of(bounce.prepare(claimed(alice.address, raw), [evil]))
    assert message["bcc"] is None
    kinds = [part.get_content_type() for part in message.iter_parts()]
    assert kinds == ["text/plain", "message/delivery-status", "text/rfc822-headers"]


def test_it_uses_utf8_only_with_who_does(alice: User) -> None:
    to = "käse@outside.invalid"
    plain = bounce.prepare(claimed(alice.address), [fate(address=to, original=to)])[0]
    assert plain.mail is not None
    assert not plain.mail.smtputf8
    assert b"Final-Recipient: utf-8; k\\x{E4}se@outside.invalid\r\n" in raw_of(plain)
    wide = bounce.prepare(claimed("jürgen@outside.invalid"), [fate(address=to, original=to)])[0]
    assert wide.mail is not None
    assert wide.mail.smtputf8
    assert "Final-Recipient: utf-8; käse@outside.invalid\r\n".encode() in raw_of(wide)


def test_it_says_when_it_has_given_up(alice: User) -> None:
    late = fate(status="4.4.1", code=0, is_remote=False, host="", reply="no answer from any host")
    message = claimed(alice.address, received_at_us=1_764_000_000_000_000)
    report = mail_of(bounce.prepare(message, [late]))
    assert "does not answer. It was tried for" in words(report)
    assert "This is final: we have given up." in words(report)
    assert "dave@outside.invalid no answer from any host" in words(report)


def test_it_tells_of_what_processing_did(alice: User, bob: User) -> None:
    notify = dsn.for_members("SUCCESS,FAILURE")
    members = [
        EnvelopeRecipient(user.address, "team@example.test", user.pk, "", notify)
        for user in (alice, bob)
    ]
    direct = EnvelopeRecipient(alice.address, alice.address, alice.pk, "", "SUCCESS")
    accept([submission(members), submission([direct])])
    team, alone = mailqueue.claim(2)
    fates = bounce.at_processing(team.recipients, team.recipients)
    wanted = [one for one in fates if bounce.is_wanted(one.notify, one.action)]
    assert [(one.address, one.action) for one in wanted] == [("team@example.test", Action.EXPANDED)]
    (one,) = bounce.at_processing(alone.recipients, alone.recipients)
    assert (one.address, one.action) == (alice.address, Action.DELIVERED)


def test_it_is_understood_by_mailman(alice: User) -> None:
    """List software reads bounces by machine; its detector is not ours."""
    fates = [
        fate(recipient_id=1),
        fate(recipient_id=2, address="x@a.invalid", original="x@a.invalid", status="4.4.1"),
        fate(Action.DELAYED, recipient_id=3, address="y@a.invalid", original="y@a.invalid"),
    ]
    failed, delayed = bounce.prepare(claimed(alice.address), fates)
    found = [
        all_failures(email.message_from_bytes(raw_of(report), policy=email.policy.compat32))
        for report in (failed, delayed)
    ]
    assert [(set(temporary), set(permanent)) for temporary, permanent in found] == [
        (set(), {DAVE.encode(), b"x@a.invalid"}),
        ({b"y@a.invalid"}, set()),
    ]
