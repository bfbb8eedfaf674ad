"""Mail that waits: looked at and acted on by programs."""

from typing import Any
from uuid import UUID

import pytest

from apps.audit.models import AuditRecord
from apps.directory.models import Domain, User
from apps.mailqueue import queries, services
from apps.mailqueue.models import MessageState, QueuedMessage
from apps.provisioning import services as provisioning
from apps.runtime.ulid import new_ulid, ulid_text
from tests.api.conftest import Program, faults
from tests.console.conftest import PASSWORD
from tests.mailqueue.leaving import FAR, NEAR, send, settle, states


def waiting(count: int = 1, destination: str = NEAR, **more: Any) -> list[UUID]:
    """Mail that was tried once, and is to be tried again."""
    found = sorted(send(count, destination, **more))  # ids of one moment are in no order
    for message in services.claim_destination(destination, count):
        settle(message, "deferred", "451 4.7.1 Later\x1b[2J\u202e", 7200)
    return found


def sent(by: User, ids: list[UUID]) -> None:
    QueuedMessage.objects.filter(pk__in=ids).update(user=by, domain=by.domain)


def act(asks: Program, name: str, ids: list[UUID], **more: str) -> dict[str, Any]:
    body = {"act": name, "messages": [ulid_text(one) for one in ids], **more}
    answer = asks.post("queue/acts", body)
    assert answer.status_code == 200, answer.content
    return dict(answer.json())


@pytest.fixture
def bob(other_domain: Domain) -> User:
    return provisioning.add_user("bob@other.test", PASSWORD)[0]


def test_it_is_listed_as_it_stands(operator: Program) -> None:
    (first,), (second,) = waiting(), waiting(destination=FAR)
    act(operator, "hold", [second])

    items = operator.get("queue").json()["items"]

    items.sort(key=lambda one: str(one["state"]))
    assert [(one["id"], one["state"]) for one in items] == [
        (ulid_text(first), "deferred"),
        (ulid_text(second), "held"),
    ]
    assert (items[0]["tries"], items[0]["destination"]) == (1, NEAR)
    assert (items[0]["recipient"], items[0]["recipients"]) == ("person0@elsewhere.test", 1)
    assert items[0]["next_try_at"].endswith("Z")
    # Nothing of a stranger's words drives a terminal.
    assert (items[0]["reply"], "\x1b" in str(items)) == ("451 4.7.1 Later[2J?", False)


def test_it_is_narrowed_and_turned_by_pages(operator: Program) -> None:
    near, far = waiting(3), waiting(2, FAR)
    act(operator, "hold", far[:1])

    def ids(query: str) -> list[str]:
        return [one["id"] for one in operator.get(f"queue?{query}").json()["items"]]

    def texts(some: list[UUID]) -> list[str]:
        return [ulid_text(one) for one in some]

    assert ids("destination=near.test") == ids(f"destination={NEAR}") == texts(near)
    assert ids("state=held") == texts(far[:1])
    assert ids("state=waiting") == texts(sorted([*near, *far[1:]]))
    assert ids("text=PERSON0@elsewhere&limit=2") == texts(near[:2])
    assert ids(f"text={ulid_text(far[1])}") == texts(far[1:])
    assert ids("before=2001-01-01T00:00:00Z") == []
    page = operator.get("queue?limit=3")
    assert page["Link"].endswith('; rel="next"')
    assert len(ids(f"limit=3&cursor={page.json()['next']}")) == 2
    wrong = operator.get("queue?state=lost&cursor=x&age=4")
    assert faults(wrong) == [("?age", "unknown_parameter")]
    assert faults(operator.get("queue?cursor=x")) == [("?cursor", "invalid")]


def test_a_page_costs_the_same_however_long_it_is(
    operator: Program, django_assert_max_num_queries: Any
) -> None:
    waiting(30)
    with django_assert_max_num_queries(10):
        assert len(operator.get("queue").json()["items"]) == 30


def test_one_is_told_with_its_recipients_and_attempts(operator: Program) -> None:
    (message_id,) = waiting(recipients=2)

    told = operator.get(f"queue/{ulid_text(message_id)}").json()

    assert [one["state"] for one in told["readers"]] == ["waiting", "waiting"]
    assert {one["outcome"] for one in told["attempts"]} <= {"deferred"}
    assert (told["may_act"], told["ends_at"]) == (True, None)
    assert told["gives_up_at"] > told["received_at"]


def test_others_see_their_own_alone(admin: Program, domain: Domain, bob: User) -> None:
    ann = provisioning.add_user("ann@example.test", PASSWORD)[0]
    mine, theirs = waiting(), waiting()
    sent(ann, mine)
    sent(bob, theirs)

    assert [one["id"] for one in admin.get("queue").json()["items"]] == [ulid_text(mine[0])]
    assert admin.get(f"queue/{ulid_text(theirs[0])}").status_code == 404
    done = act(admin, "delete", [*mine, *theirs, new_ulid()])
    assert (done["done"], done["passed_over"]) == (1, 2)
    assert QueuedMessage.objects.get(pk=theirs[0]).state == MessageState.ROUTED
    (place,) = admin.get("queue/destinations").json()["items"]
    assert (place["waiting"], place["paused_by"]) == (0, "")
    # What somebody else set aside is not put back by them.
    aside = act_of_another(bob, theirs)
    assert admin.post("queue/undo", {"undo": [aside]}).json() == {"done": 0}


def act_of_another(by: User, ids: list[UUID]) -> str:
    act_id = new_ulid()
    services.set_aside(ids, services.Ending.HOLD, act=act_id, by=by.address, reason="")
    return ulid_text(act_id)


@pytest.mark.parametrize("name", ["hold", "delete", "bounce"])
def test_what_was_set_aside_is_taken_back(name: str, operator: Program) -> None:
    ids = waiting(3)

    done = act(operator, name, ids, reason="two\nlines")

    assert (done["done"], done["passed_over"], len(done["undo"])) == (3, 0, 1)
    shown = operator.get(f"queue/{ulid_text(ids[0])}").json()
    assert (shown["state"], shown["ends"]) == ("held", None if name == "hold" else name)
    assert operator.post("queue/undo", {"undo": done["undo"]}).json() == {"done": 3}
    assert set(QueuedMessage.objects.values_list("state", flat=True)) == {MessageState.ROUTED}
    assert operator.post("queue/undo", {"undo": done["undo"]}).json() == {"done": 0}
    found = AuditRecord.objects.filter(door="api").order_by("pk").values_list("action", flat=True)
    assert list(found)[-2:] == [f"queue.{name}", "queue.undo"]


def test_it_is_tried_again_given_another_way_and_let_go(operator: Program) -> None:
    ids = waiting(2)
    assert act(operator, "retry", ids)["undo"] == []
    assert len(services.claim_destination(NEAR, 9)) == 2

    (other,) = waiting(destination=FAR)
    assert act(operator, "reroute", [other])["done"] == 1
    assert states(other) == ["pending"]
    act(operator, "hold", [other])
    assert act(operator, "release", [other])["done"] == 1
    assert act(operator, "cancel", [other, other]) == {"done": 1, "passed_over": 0, "undo": []}
    assert operator.get(f"queue/{ulid_text(other)}").json()["state"] == "cancelled"


@pytest.mark.parametrize(
    ("body", "told"),
    [
        ({"act": "burn", "messages": ["x"]}, [("/act", "invalid_choice")]),
        ({"act": "retry", "messages": []}, [("/messages", "min_length")]),
        ({"act": "retry", "messages": ["x", "8" * 26]}, [("/messages/0", "invalid")]),
        ({"act": "retry"}, [("/messages", "required")]),
        ({"act": "retry", "messages": ["\ud800"]}, [("/messages/0", "surrogate")]),
    ],
)
def test_what_cannot_be_is_told_by_its_field(
    body: dict[str, Any], told: list[tuple[str, str]], operator: Program
) -> None:
    answer = operator.post("queue/acts", body)
    assert (answer.status_code, faults(answer)[:1]) == (422, told)


def test_the_same_key_deletes_once(operator: Program) -> None:
    ids = waiting()
    body = {"act": "delete", "messages": [ulid_text(ids[0])]}
    first = operator.post("queue/acts", body, Idempotency_Key="k")
    again = operator.post("queue/acts", body, Idempotency_Key="k")
    assert (first.json(), again["Idempotency-Replayed"]) == (again.json(), "true")


def test_destinations_are_paused_and_go_on(operator: Program, admin: Program) -> None:
    waiting(2)

    def say(name: str, **more: str) -> Any:
        return operator.post("queue/destinations/acts", {"act": name, **more})

    assert say("pause", destination=NEAR).json() == {"is_news": True, "recipients": 0}
    (place,) = operator.get("queue/destinations").json()["items"]
    assert (place["name"], place["state"], place["waiting"]) == (NEAR, "paused", 2)
    assert place["paused_by"] == "root@elsewhere.test"
    assert say("resume", destination=NEAR).json()["is_news"] is True
    assert say("hasten", destination=NEAR).json() == {"is_news": True, "recipients": 2}
    assert say("pause").json()["is_news"] is True
    assert queries.paused_everywhere() is not None
    assert operator.get("queue/destinations").json()["paused_at"] is not None
    refused = admin.post("queue/destinations/acts", {"act": "resume"})
    assert (refused.status_code, refused.json()["code"]) == (403, "not_permitted")
