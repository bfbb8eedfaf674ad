"""The page of one message: what became of it, for whom it is; whatever was written comes out as
text."""

import json
import re
from typing import Any
from uuid import UUID

import pytest
from django.test import Client
from django.urls import reverse

from apps.audit.models import AuditRecord
from apps.delivery.accept import accept
from apps.directory.models import Domain, Role, User
from apps.mailstore.models import Mailbox
from apps.mailstore.origin import Origin
from apps.mailstore.services import copy
from apps.provisioning import services as provisioning
from apps.runtime.ulid import new_ulid, ulid_text
from apps.trace import services as trace
from apps.trace.services import Event
from tests.console.conftest import PASSWORD, browser, holder
from tests.console.hostile import WILD
from tests.support.mail import drain, local, submission

pytestmark = pytest.mark.django_db
QUERIES_MOST = 40


def address_of(trace_id: UUID) -> str:
    return reverse("console-trace-message", args=[trace_id])


def user(address: str) -> User:
    return provisioning.add_user(address, PASSWORD)[0]


@pytest.fixture
def alice(domain: Domain) -> User:
    return user("alice@example.test")


@pytest.fixture
def eve(other_domain: Domain) -> User:
    return user("eve@other.test")


def sent(*users: User, **more: Any) -> UUID:
    mail = submission(local(*users), **more)
    accept([mail])
    drain()
    return mail.trace_id


def received(trace_id: UUID, **more: Any) -> Event:
    data = {"from": "carol@outside.invalid", "to": ["alice@example.test"], "queue_id": "Q", **more}
    return Event(trace_id, "mx.received", data)


def page(person: User, trace_id: UUID, query: str = "") -> str:
    answer = browser(person).get(address_of(trace_id) + query)
    assert answer.status_code == 200
    return answer.content.decode()


def test_it_tells_the_way_of_a_message(admin: User, alice: User) -> None:
    text = page(admin, sent(alice))
    assert "Received by SMTP" in text
    assert "Filed for alice@example.test" in text
    assert "INBOX, UID 1" in text
    assert "Alice" not in text or "alice@example.test" in text


def test_it_tells_what_a_program_did_with_it(admin: User, alice: User) -> None:
    trace_id = sent(alice)
    boxes = dict(Mailbox.objects.filter(user=alice).values_list("name", "pk"))
    copy.move(
        mailbox_id=boxes["INBOX"],
        uids=[1],
        target_id=boxes["Trash"],
        origin=Origin("imap", alice.pk, "K-9 Mail", "192.0.2.9"),
    )
    text = page(admin, trace_id)
    assert re.search(r"Deleted by a phone&#x27;s mail app \(K-9 Mail\) at \d\d:\d\d", text)
    assert "192.0.2.9" in text


def test_another_tenants_message_is_not_there(
    admin: User, alice: User, eve: User, operator: User
) -> None:
    trace_id = sent(eve)
    for one in (trace_id, new_ulid()):
        assert browser(admin).get(address_of(one)).status_code == 404
    assert browser(operator).get(address_of(trace_id)).status_code == 200


def test_of_a_message_to_two_tenants_each_sees_its_own(
    admin: User, alice: User, eve: User, operator: User
) -> None:
    trace_id = sent(alice, eve)
    for query in ("", "?as=text", "?as=json"):
        text = page(admin, trace_id, query)
        assert "alice@example.test" in text
        assert "eve" not in text
        assert "other.test" not in text
        assert "eve@other.test" in page(operator, trace_id, query)


def test_a_user_has_no_such_page(alice: User) -> None:
    assert browser(alice).get(address_of(sent(alice))).status_code == 404


def test_an_id_of_a_queue_row_leads_to_its_trace(operator: User, alice: User) -> None:
    mail = submission(local(alice))
    other = new_ulid()
    accept([type(mail)(**{**{f: getattr(mail, f) for f in mail.__slots__}, "id": other})])
    answer = browser(operator).get(address_of(other))
    assert answer.status_code == 302
    assert answer["Location"] == address_of(mail.trace_id)


def test_each_look_is_in_the_audit_log_once(admin: User, alice: User, operator: User) -> None:
    trace_id = sent(alice)
    for _ in range(3):
        page(admin, trace_id)
    page(operator, trace_id)
    rows = AuditRecord.objects.filter(action="trace.read").order_by("pk")
    assert [one.actor for one in rows] == [admin.address, operator.address]
    assert {one.user_id for one in rows} == {alice.pk}
    assert {json.dumps(one.detail) for one in rows} == {"{}"}


def test_what_was_written_comes_out_as_text(operator: User, alice: User) -> None:
    trace_id = new_ulid()
    wild = f"{WILD}\r\n\u202e\u2066{'x' * 1_000_000}"
    with_all = {
        "subject": wild,
        "helo": WILD,
        "account": WILD,
        "tls": WILD,
        "message_id": WILD,
        "dialogue": f"1 > {wild}\n2 < {WILD}\t{WILD}\nodd",
    }
    events = [
        received(trace_id, **with_all),
        Event(trace_id, "reception.judged", {"authentication": {"spf": {"domain": WILD}}}),
        Event(trace_id, "outbound.failed", {"to": WILD, "host": WILD, "reply": f"<b>{wild}"}),
        Event(trace_id, "outbound.deferred", {"to": "a@b", "transcript": f"> <i>{wild}\n< {WILD}"}),
        Event(trace_id, "queue.held", {"why": wild}),
        Event(trace_id, WILD[:40], {"x": wild}),
    ]
    trace.record(events)
    for query in ("", "?as=text"):
        text = page(operator, trace_id, query)
        assert len(text) < 400_000
        for sign in ("\x1b", "\u202e", "\u2066", "\x07", "\0"):
            assert sign not in text
        if not query:
            assert "<script>wild" not in text
            assert "<b>" not in text.replace('<b class="num">', "")
            assert "<i>" not in text


def test_a_mailing_to_thousands_is_one_page(
    operator: User, alice: User, django_assert_max_num_queries: Any
) -> None:
    trace_id = new_ulid()
    to = [f"u{number}@elsewhere.test" for number in range(5_000)]
    trace.record([received(trace_id, to=to)])
    trace.record(
        [
            Event(trace_id, "outbound.delivered", {"to": one, "host": "mx.elsewhere.test"})
            for one in to
        ]
    )
    client = browser(operator)
    with django_assert_max_num_queries(QUERIES_MOST):
        answer = client.get(address_of(trace_id))
    text = answer.content.decode()
    assert answer.status_code == 200
    assert len(text) < 400_000
    assert "more" in text
    assert "u0@elsewhere.test" in text


def test_odd_events_are_no_accident(operator: User) -> None:
    trace_id = new_ulid()
    trace.record([received(trace_id, to=7, size="x", members=[1], dialogue={}, tls=5)])
    for kind in ("local.delivered", "outbound.failed", "bounce.sent", "vacation.sent", "x" * 40):
        data: dict[str, Any]
        for data in ({}, {"to": []}, {"to": {"a": 1}, "uid": -5, "mailbox": 2**70, "trace": 9}):
            trace.record([Event(trace_id, kind, data)])
    for query in ("", "?as=text", "?as=json", "?as=%00"):
        page(operator, trace_id, query)


def test_no_secret_and_no_body_is_there(operator: User, alice: User) -> None:
    raw = b"Subject: Plans\r\n\r\nThe wombat sleeps at noon. Password: hunter2-hunter2\r\n"
    for query in ("", "?as=text", "?as=json"):
        text = page(operator, sent(alice, raw=raw), query)
        assert "wombat sleeps" not in text
        assert "hunter2" not in text


def test_reports_are_linked(operator: User, alice: User) -> None:
    trace_id, other = new_ulid(), new_ulid()
    told = {"to": "a@b.test", "action": "failed", "about": ["x@y.test"], "trace": ulid_text(other)}
    trace.record([received(trace_id), Event(trace_id, "bounce.sent", told)])
    assert address_of(other) in page(operator, trace_id)


def test_who_may_look(domain: Domain, helpdesk: User, alice: User, client: Client) -> None:
    trace_id = sent(alice)
    assert page(helpdesk, trace_id)
    reseller = holder("reseller@example.test", Role.RESELLER, domain.organization)
    assert page(reseller, trace_id)
    assert client.get(address_of(trace_id)).status_code == 302
