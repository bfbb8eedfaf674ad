"""Webhooks and events, asked for by programs."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from apps.api.webhooks import stream
from apps.directory.models import Domain, Role
from apps.directory.services import apitokens
from apps.provisioning import services as provisioning
from apps.runtime.clock import now_us
from apps.runtime.db import in_db
from apps.webhooks import sending
from apps.webhooks.models import Delivery, Endpoint, Event
from apps.webhooks.services import endpoints, events
from mailhost.asgi import application
from tests.api.conftest import Program, faults, program
from tests.console.conftest import holder
from tests.webhooks.conftest import Receiver, receiver, verified

__all__ = ["receiver"]
URL = "https://hooks.example.org/mail"


def happens(domain: Domain, kind: str = "user.created", many: int = 1) -> list[Event]:
    rows = [
        Event(
            at=now_us(),
            gathered_at=now_us(),
            type=kind,
            organization_id=domain.organization_id,
            domain_id=domain.pk,
            data=json.dumps({"name": f"{number}@{domain.name}"}),
        )
        for number in range(many)
    ]
    made = Event.objects.bulk_create(rows)
    events.send_out(made)
    return made


def test_the_life_of_a_webhook(admin: Program, domain: Domain, receiver: Receiver) -> None:
    made = admin.post("webhooks", {"domain": domain.pk, "url": receiver.url, "types": ["user"]})
    assert made.status_code == 201
    secret, path = made.json()["secret"], made["Location"]
    shown = admin.get(path)
    assert "secret" not in shown.json()
    assert shown.json()["types"] == ["user"]
    tested = admin.post(f"{path}/test").json()
    assert (tested["is_delivered"], tested["status"]) == (True, 204)
    assert verified(secret, receiver.requests[0])["type"] == "webhook.test"
    receiver.answers(500, b"oh no")
    assert admin.post(f"{path}/test").json()["answer"] == "oh no"
    (second, first) = admin.get(f"{path}/deliveries").json()["items"]
    assert (first["state"], second["state"], second["attempts"]) == ("delivered", "pending", 1)
    one = f"{path}/deliveries/{second['id']}"
    assert admin.get(one).json()["log"][0]["answer"] == "oh no"
    assert admin.get(one).json()["payload"]["id"] == second["event"]
    again = admin.post(f"{one}/again")
    assert (again.status_code, again.json()["attempts"]) == (202, 0)
    renewed = admin.post(f"{path}/secret").json()["secret"]
    assert renewed != secret
    tag = admin.get(path)["ETag"]
    off = admin.patch(path, {"is_enabled": False}, If_Match=tag)
    assert off.json()["is_enabled"] is False
    assert admin.patch(path, {"is_enabled": True}, If_Match=tag).status_code == 412
    assert admin.delete(path).status_code == 204
    assert admin.get(path).status_code == 404
    assert (Delivery.objects.count(), Endpoint.objects.count()) == (0, 0)


@pytest.mark.parametrize(
    ("body", "wrong"),
    [
        ({}, [("/url", "required")]),
        ({"url": "http://hooks.example.org/"}, [("/url", "invalid_name")]),
        ({"url": "https://127.0.0.1/"}, [("/url", "invalid_name")]),
        ({"url": "https://x.example.org/\ud800"}, [("/url", "surrogate")]),
        ({"url": URL, "types": ["user.invented"]}, [("/types/0", "invalid_choice")]),
        ({"url": URL, "domain": 1, "organization": 1}, [("", "one_of")]),
        ({"url": URL, "domain": 999_999}, [("/domain", "not_found")]),
        ({"url": URL, "organization": 999_999}, [("/organization", "not_found")]),
        ({"url": URL, "secret": "whsec_mine"}, [("/secret", "unknown_field")]),
    ],
)
def test_what_is_wrong_is_named(operator: Program, body: Any, wrong: Any) -> None:
    answer = operator.post("webhooks", body)
    assert (answer.status_code, faults(answer)) == (422, wrong), answer.content
    assert not Endpoint.objects.exists()


def test_each_sees_those_of_the_own_places(
    operator: Program, reseller: Program, admin: Program, domain: Domain, other_domain: Domain
) -> None:
    ids = {
        name: endpoints.add(place=place, url=URL)[0].pk
        for name, place in {
            "domain": domain,
            "organisation": domain.organization,
            "all": None,
            "other": other_domain,
        }.items()
    }
    for asks, seen in (
        (operator, set(ids)),
        (reseller, {"domain", "organisation"}),
        (admin, {"domain"}),
    ):
        found = {one["id"] for one in asks.get("webhooks").json()["items"]}
        assert found == {ids[name] for name in seen}
        for name, pk in ids.items():
            event = happens(other_domain)[0]
            row, _ = Delivery.objects.get_or_create(
                endpoint_id=pk, event=event, defaults={"due_at": 0}
            )
            wanted = 200 if name in seen else 404
            for path in ("", "/deliveries", f"/deliveries/{row.pk}"):
                assert asks.get(f"webhooks/{pk}{path}").status_code == wanted, (name, path)
            # A delivery of another webhook is none of this one.
            other = ids["other" if name != "other" else "all"]
            assert operator.get(f"webhooks/{other}/deliveries/{row.pk}").status_code == 404
            row.delete()
    assert admin.post("webhooks", {"url": URL}).status_code == 403
    answer = admin.post("webhooks", {"url": URL, "domain": other_domain.pk})
    assert (answer.status_code, faults(answer)) == (422, [("/domain", "not_found")])
    answer = admin.post("webhooks", {"url": URL, "organization": domain.organization_id})
    assert answer.status_code == 422
    assert reseller.get(f"webhooks?domain={domain.pk}&is_enabled=true").json()["items"]


def test_pages_cost_the_same_for_one_and_for_many(admin: Program, domain: Domain) -> None:
    row, _ = endpoints.add(place=domain, url=URL)
    paths = ("webhooks", f"webhooks/{row.pk}/deliveries?state=pending", "events")
    counts = []
    for many in (1, 15):
        for _ in range(many):
            endpoints.add(place=domain, url=URL)
        happens(domain, many=many)
        for path in paths:
            admin.get(path)
            with CaptureQueriesContext(connection) as captured:
                assert len(admin.get(path).json()["items"]) >= many
            counts.append(len(captured))
    assert counts[:3] == counts[3:]


def test_events_are_read_from_where_somebody_was(
    admin: Program, domain: Domain, other_domain: Domain
) -> None:
    first, *_ = happens(domain, many=3)
    happens(other_domain, many=2)
    page = admin.get("events?limit=2").json()
    assert [one["data"]["name"] for one in page["items"]] == ["0@example.test", "1@example.test"]
    assert page["items"][0] == sending.payload(first), "as it is posted"
    (last,) = admin.get(f"events?limit=2&cursor={page['next']}").json()["items"]
    assert last["data"]["name"] == "2@example.test"
    after = admin.get(f"events?after={first.name}").json()["items"]
    assert [one["id"] for one in after][-1] == last["id"]
    assert len(after) == 2
    for name in ("evt_00000000000000000000000000", "evt_x", "x", "%00"):
        answer = admin.get(f"events?after={name}")
        assert answer.status_code in (400, 422), name


def test_a_stream_without_anything_beside_begins_again_where_it_was(
    admin: Program, domain: Domain
) -> None:
    (first, second) = happens(domain, many=2)
    answer = admin.get("events", Accept="text/event-stream", Last_Event_ID=first.name)
    assert answer["Content-Type"] == "text/event-stream; charset=utf-8"
    assert f"id: {second.name}\nevent: user.created\ndata: {{".encode() in answer.content
    assert first.name.encode() not in answer.content
    assert admin.get("events", Accept="text/event-stream").content == b"retry: 3000\n\n"
    answer = admin.get("events", Accept="text/event-stream", Last_Event_ID="evt_none")
    assert answer.status_code == 400
    assert faults(answer) == [("Last-Event-ID:", "invalid")]


@asynccontextmanager
async def followed(token: str, **headers: str) -> AsyncIterator[Callable[[], Any]]:
    """A client of the whole application; gives what reads its next frames."""
    sent: asyncio.Queue[Any] = asyncio.Queue()
    gone = asyncio.Event()

    async def receive() -> Any:
        if not asked:
            asked.append(1)
            return {"type": "http.request", "body": b"", "more_body": False}
        await gone.wait()
        return {"type": "http.disconnect"}

    asked: list[int] = []
    named = {"authorization": f"Bearer {token}", "accept": "text/event-stream", **headers}
    scope = {
        "type": "http",
        "method": "GET",
        "path": "/api/v1/events",
        "query_string": b"",
        "headers": [
            (name.replace("_", "-").encode(), value.encode()) for name, value in named.items()
        ],
        "client": ("192.0.2.1", 1),
        "server": ("testserver", 80),
        "scheme": "http",
    }
    task = asyncio.ensure_future(application(scope, receive, sent.put))

    async def following() -> Any:
        async with asyncio.timeout(20):
            return await sent.get()

    try:
        yield following
    finally:
        gone.set()
        async with asyncio.timeout(20):
            await task


@pytest.mark.django_db(transaction=True)
async def test_a_stream_tells_what_happens_until_its_token_is_revoked(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    domain = await in_db("write", provisioning.add_domain, "example.test", organization="A")
    other = await in_db("write", provisioning.add_domain, "other.test", organization="B")
    admin = await in_db("write", holder, "admin@example.test", Role.DOMAIN_ADMIN, domain)
    _, token = await in_db(
        "write", apitokens.issue, user=admin, name="stream", scopes=["webhooks:read"]
    )
    monkeypatch.setattr(stream, "HEARTBEAT", 0.05)
    async with followed(token) as following:
        assert (await following())["status"] == 200
        assert (await following())["body"] == b"retry: 3000\n\n"
        await in_db("write", happens, other)
        (made,) = await in_db("write", happens, domain)
        while (frame := (await following())["body"]) == b":\n\n":
            pass
        assert frame.startswith(f"id: {made.name}\n".encode())
        assert b"other.test" not in frame
        await in_db("write", apitokens.revoke, user=admin, name="stream")
        monkeypatch.setattr(stream, "CHECKED", 0.0)
        while (message := await following()).get("more_body"):
            assert message["body"] == b":\n\n"
    async with followed(token) as following:
        assert (await following())["status"] == 401


def test_without_the_scope_there_is_no_stream(domain: Domain) -> None:
    asks = program(holder("root@elsewhere.test", Role.OPERATOR), ["users:read"])
    assert asks.get("events", Accept="text/event-stream").status_code == 403
