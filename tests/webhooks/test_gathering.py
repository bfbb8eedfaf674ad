"""What becomes an event, whose it is, and what it says: each once, in order, and of nobody else."""

import json
from typing import Any
from uuid import UUID

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from apps.delivery.recorder import index
from apps.directory import permissions
from apps.directory.models import Domain, Means, Organization, Outcome, Role, User
from apps.directory.services import history
from apps.mailstore.models import QuotaNotice
from apps.provisioning import services as provisioning
from apps.runtime.clock import now, now_us
from apps.runtime.ulid import new_ulid, ulid_text
from apps.trace import services as traces
from apps.trace.services import Event as Traced
from apps.webhooks import gathering, kinds, queries
from apps.webhooks.models import Cursor, Delivery, Endpoint, Event
from apps.webhooks.services import deliveries, endpoints, interests
from tests.console.conftest import holder
from tests.support.reading import Reading
from tests.webhooks.conftest import PASSWORD

URL = "https://hooks.test/mail"
DAVE = "dave@outside.invalid"


def hook(place: Organization | Domain | None, *types: str) -> Endpoint:
    return endpoints.add(place=place, url=URL, types=types)[0]


def came(door: str, sender: str, *to: str, **more: Any) -> UUID:
    trace_id = new_ulid()
    data = {
        "from": sender,
        "to": list(to),
        "queue_id": "Q",
        "size": 700,
        "subject": "Quarterly figures",
        "message_id": "<q3@outside.invalid>",
        **more,
    }
    traces.record([Traced(trace_id, f"{door}.received", data)])
    return trace_id


def then(trace_id: UUID, kind: str, **data: Any) -> None:
    traces.record([Traced(trace_id, kind, data)])


def gathered() -> list[tuple[str, str | None, dict[str, Any]]]:
    """Type, domain and data of all events, after one more round."""
    index.catch_up(seconds=30)
    gathering.gather(seconds=30)
    rows = Event.objects.order_by("pk")
    names = dict(Domain.objects.values_list("pk", "name"))
    return [(one.type, names.get(one.domain_id or 0), json.loads(one.data)) for one in rows]


def told() -> list[tuple[str, str | None]]:
    return [(kind, domain) for kind, domain, _ in gathered()]


def test_mail_that_comes_is_told_to_who_gets_it(domain: Domain, ann: User) -> None:
    hook(domain)
    trace_id = came("mx", DAVE, ann.address)
    then(trace_id, "local.delivered", to=ann.address, mailbox="INBOX", uid=1)
    (first, second) = gathered()
    head = {
        "trace": ulid_text(trace_id),
        "domain": "example.test",
        "from": DAVE,
        "message_id": "<q3@outside.invalid>",
        "subject": "Quarterly figures",
        "size": 700,
        "to": [ann.address],
    }
    assert first == (kinds.RECEIVED, "example.test", head)
    assert second == (kinds.DELIVERED, "example.test", {**head, "mailbox": "INBOX"})
    assert gathered() == [first, second]  # once
    assert Delivery.objects.count() == 2


def test_each_tenant_is_told_its_own_side_alone(domain: Domain, ann: User) -> None:
    """A message between two tenants and to a third party: the recipient's side learns of nobody
    else, the sender's of no mailbox."""
    other = provisioning.add_domain("other.test", organization="B")
    bob, _ = provisioning.add_user("bob@other.test", PASSWORD)
    hook(None)
    trace_id = came(
        "submission", ann.address, bob.address, DAVE, account=ann.address, address="192.0.2.9"
    )
    then(trace_id, "local.delivered", to=bob.address, mailbox="Secret/Box", uid=1, junk="list")
    then(trace_id, "outbound.deferred", to=DAVE, host="mx.outside.invalid", reply="451 later")
    then(trace_id, "outbound.failed", to=DAVE, host="mx.outside.invalid", reply="550 5.1.1 no")
    found = gathered()
    assert [(kind, where) for kind, where, _ in found if where == "example.test"] == [
        (kinds.SENT, "example.test"),
        (kinds.DELIVERED, "example.test"),
        (kinds.DEFERRED, "example.test"),
        (kinds.BOUNCED, "example.test"),
    ]
    assert [(kind, where) for kind, where, _ in found if where == "other.test"] == [
        (kinds.RECEIVED, "other.test"),
        (kinds.DELIVERED, "other.test"),
    ]
    theirs = json.dumps([data for _, where, data in found if where == other.name])
    assert "outside" not in theirs.replace("q3@outside.invalid", "")
    assert "192.0.2.9" not in theirs
    ours = json.dumps([data for _, where, data in found if where == domain.name])
    assert "Secret" not in ours
    assert "junk" not in ours
    assert "550 5.1.1 no" in ours


def test_what_is_held_back_is_told_to_its_reader_alone(domain: Domain, ann: User) -> None:
    provisioning.add_domain("other.test", organization="B")
    bob, _ = provisioning.add_user("bob@other.test", PASSWORD)
    hook(None, "message.quarantined")
    trace_id = came("submission", ann.address, bob.address, account=ann.address)
    then(trace_id, "quarantine.kept", to=bob.address, reason="spam", rule=3, why="7 points")
    assert sorted(told()) == [
        (kinds.QUARANTINED, "other.test"),
        (kinds.RECEIVED, "other.test"),
        (kinds.SENT, "example.test"),
    ]
    assert Delivery.objects.count() == 1  # the types that were asked for


def test_an_alias_domain_is_the_domain_that_it_is_an_alias_of(domain: Domain, ann: User) -> None:
    provisioning.add_domain("alias.test", alias_of="example.test")
    hook(domain, "message")
    came("mx", DAVE, "ann@alias.test")
    assert told() == [(kinds.RECEIVED, "example.test")]


def test_acts_sign_ins_and_full_mailboxes_are_told(domain: Domain) -> None:
    hook(domain)
    made, _ = provisioning.add_user("ben@example.test", PASSWORD, "Ben")
    history.note(
        user_id=made.pk,
        outcome=Outcome.WRONG,
        door="imap",
        means=Means.PASSWORD,
        address="192.0.2.7",
        client="a program",
    )
    history.write_waiting()
    QuotaNotice.objects.create(user=made, level=95, told_at=now())
    provisioning.suspend_user(made.key)
    found = {kind: data for kind, _, data in gathered()}
    assert set(found) == {"user.created", "user.suspended", kinds.REFUSED, kinds.FULL}
    assert found["user.created"]["name"] == "ben@example.test"
    assert found["user.created"]["user_id"] == made.pk
    assert found["user.created"]["domain"] == "example.test"
    assert PASSWORD not in json.dumps(found)
    assert found[kinds.REFUSED]["address"] == "192.0.2.7"
    assert found[kinds.REFUSED]["outcome"] == "wrong"
    assert found[kinds.FULL]["percent"] == 95
    Cursor.objects.filter(pk="quotas").update(place=now() - 60)
    assert len(gathered()) == 4  # what is read twice is told once


def test_sign_ins_of_administrators_are_told_to_none_below_them(domain: Domain) -> None:
    """As in the console and the API: who may not sign somebody out does not see where from."""
    second = provisioning.add_domain("second.test", organization="A")
    provisioning.add_domain("other.test", organization="B")
    everywhere = {hook(None).pk: "all", hook(domain.organization).pk: "A", hook(domain).pk: "one"}
    people = [
        (holder("root@example.test", Role.OPERATOR), {"all"}),
        (holder("far@example.test", Role.RESELLER, Organization.objects.get(name="B")), {"all"}),
        (holder("reseller@example.test", Role.RESELLER, domain.organization), {"all", "A"}),
        (holder("beside@example.test", Role.DOMAIN_ADMIN, second), {"all", "A"}),
        (holder("admin@example.test", Role.DOMAIN_ADMIN, domain), {"all", "A", "one"}),
    ]
    for user, _ in people:
        history.note(
            user_id=user.pk,
            outcome=Outcome.OK,
            door="web",
            means=Means.PASSWORD,
            address="192.0.2.7",
            client="a browser",
        )
    history.write_waiting()
    gathered()
    for user, ears in people:
        found = Delivery.objects.filter(event__type=kinds.ACCEPTED).order_by("pk")
        rows = found.values_list("endpoint_id", "event__data")
        heard = {everywhere[pk] for pk, data in rows if json.loads(data)["user"] == user.key}
        assert (user.key, heard) == (user.key, ears)


def test_every_act_that_is_told_has_its_words(domain: Domain) -> None:
    assert set(kinds.ACTS.values()) <= set(kinds.KINDS)
    assert {"message", "sign_in", "quota", "user", "domain", "alias"} == set(kinds.GROUPS)


def test_nobody_is_told_of_what_is_elsewhere(domain: Domain, ann: User) -> None:
    other = provisioning.add_domain("other.test", organization="B")
    second = provisioning.add_domain("second.test", organization="A")
    mine, whole, alien = hook(domain), hook(domain.organization), hook(other)
    everything = hook(None)
    came("mx", DAVE, ann.address)
    provisioning.suspend_domain(second.name)
    assert [kind for kind, _ in told()] == [kinds.RECEIVED, "domain.suspended"]
    heard = [
        (one.endpoint_id, one.event.type)
        for one in Delivery.objects.select_related("event").order_by("pk")
    ]
    assert [kind for pk, kind in heard if pk == mine.pk] == [kinds.RECEIVED]
    assert [kind for pk, kind in heard if pk == whole.pk] == [kinds.RECEIVED, "domain.suspended"]
    assert [kind for pk, kind in heard if pk == everything.pk] == [
        kinds.RECEIVED,
        "domain.suspended",
    ]
    assert alien.pk not in [pk for pk, _ in heard]


def test_nothing_is_kept_while_nobody_wants_it(domain: Domain, ann: User) -> None:
    came("mx", DAVE, ann.address)
    assert gathered() == []
    with CaptureQueriesContext(connection) as captured:
        gathering.gather(seconds=1)
    assert len(captured) == 2  # who wants events?
    hook(domain)
    assert gathered() == []  # what was before is nobody's news
    came("mx", DAVE, ann.address)
    assert told() == [(kinds.RECEIVED, "example.test")]
    endpoints.change(row=Endpoint.objects.get(), is_enabled=False)
    came("mx", DAVE, ann.address)
    assert len(gathered()) == 1
    interests.note(frozenset({domain.organization_id}))
    came("mx", DAVE, ann.address)
    assert len(gathered()) == 2


def test_statements_are_the_same_for_one_and_for_many(domain: Domain, ann: User) -> None:
    hook(domain)
    gathering.gather(seconds=30)  # the record of the webhook itself
    counts = []
    for many in (1, 30):
        for number in range(many):
            trace_id = came("mx", DAVE, ann.address, f"x{number}@example.test")
            then(trace_id, "local.delivered", to=ann.address, mailbox="INBOX", uid=number)
        index.catch_up(seconds=30)
        with CaptureQueriesContext(connection) as captured:
            gathering.gather(seconds=30)
        counts.append(len(captured))
    assert counts[0] == counts[1]


def test_who_was_slower_writes_nothing(
    domain: Domain, ann: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    hook(domain)
    came("mx", DAVE, ann.address)
    index.catch_up(seconds=30)
    source = gathering._SOURCES["mail"]

    def overtaken(place: int, most: int) -> Any:
        read = source(place, most)
        assert gathering.gather_once("mail", source) == (1, True)
        return read

    assert gathering.gather_once("mail", overtaken) == (0, False)
    assert Event.objects.count() == 1


def test_what_is_kept_is_read_by_index(domain: Domain, ann: User) -> None:
    """Of thousands of events and deliveries each statement reads a page."""
    other = provisioning.add_domain("other.test", organization="B")
    mine, busy = hook(domain), hook(other)
    for home, endpoint, many in ((domain, mine, 30), (other, busy, 3_000)):
        made = Event.objects.bulk_create(
            Event(
                at=1,
                gathered_at=now_us(),
                type="user.created",
                organization_id=home.organization_id,
                domain_id=home.pk,
                data="{}",
            )
            for _ in range(many)
        )
        Delivery.objects.bulk_create(
            Delivery(endpoint=endpoint, event=one, due_at=0, state="delivered") for one in made
        )
    Delivery.objects.filter(pk__in=Delivery.objects.order_by("-pk").values("pk")[:1_500]).update(
        state="pending"
    )
    admin = holder("admin@example.test", Role.DOMAIN_ADMIN, domain)
    seller = holder("seller@example.test", Role.RESELLER, other.organization)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")  # as autovacuum does
    reading = Reading(("webhooks_event", "webhooks_delivery"))
    with connection.execute_wrapper(reading):
        powers = permissions.powers_of(admin)
        assert len(queries.events(powers).order_by("pk")[:50]) == 30
        assert len(queries.events(permissions.powers_of(seller)).order_by("pk")[:50]) == 50
        assert len(queries.deliveries(mine).order_by("-pk")[:20]) == 20
        assert len(deliveries.claim()) == deliveries.EACH_AT_ONCE
        deliveries.prune()
        gathering.gather(seconds=10)
    assert reading.beyond(400) == []
