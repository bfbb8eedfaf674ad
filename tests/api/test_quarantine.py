"""Mail that is kept from its readers: looked at, let go and done away with by programs."""

from typing import Any

import pytest

from apps.audit.models import AuditRecord
from apps.directory.models import Domain, User
from apps.mailqueue.models import QueuedMessage
from apps.mailstore.models import JunkMark
from apps.provisioning import services as provisioning
from apps.scan.models import ListEntry, Quarantined
from apps.scan.verdict import Opinion, Verdict
from tests.api.conftest import Program, faults
from tests.console.conftest import PASSWORD
from tests.console.test_quarantine import WILD, held
from tests.scan.services.test_quarantine import VIRUS


@pytest.fixture
def carl(domain: Domain) -> User:
    return provisioning.add_user("carl@example.test", PASSWORD)[0]


@pytest.fixture
def eve(other_domain: Domain) -> User:
    return provisioning.add_user("eve@other.test", PASSWORD)[0]


def act(asks: Program, name: str, *rows: Quarantined, **more: Any) -> dict[str, Any]:
    answer = asks.post(
        "quarantine/acts", {"act": name, "messages": [one.pk for one in rows], **more}
    )
    assert answer.status_code == 200, answer.content
    return dict(answer.json())


def states() -> list[str]:
    return list(Quarantined.objects.order_by("pk").values_list("state", flat=True))


def test_it_is_listed_narrowed_and_turned_by_pages(
    admin: Program, operator: Program, carl: User, eve: User
) -> None:
    rows = [held(carl, subject=f"Prize {number}") for number in range(3)]
    virus = held(carl, verdict=Verdict((VIRUS,), {carl.pk: Opinion(30)}))
    theirs = held(eve)

    def ids(query: str, asks: Program = admin) -> list[int]:
        return [one["id"] for one in asks.get(f"quarantine?{query}").json()["items"]]

    newest = [one.pk for one in reversed((*rows, virus))]
    assert ids("") == newest
    assert ids("reason=virus") == ids("min_points=20") == ids("rule=clamd") == [virus.pk]
    assert ids("text=prize+carl&max_points=20&domain=EXAMPLE.test&is_wanted=false") == newest[1:]
    assert ids("state=released") == ids("until=2001-01-01T00:00:00Z") == []
    assert ids("", operator)[0] == theirs.pk
    first = admin.get("quarantine?limit=3").json()
    assert ids(f"limit=3&cursor={first['next']}") == newest[3:]
    assert faults(admin.get("quarantine?state=lost")) == [("?state", "invalid_choice")]
    assert admin.get(f"quarantine/{10**30}").status_code == 404


def test_a_page_costs_the_same_however_long_it_is(
    admin: Program, carl: User, django_assert_max_num_queries: Any
) -> None:
    for _ in range(8):
        held(carl)
    with django_assert_max_num_queries(8):
        assert len(admin.get("quarantine").json()["items"]) == 8


def test_one_is_told_with_its_reasons_and_looked_into(admin: Program, carl: User) -> None:
    row = held(carl, subject=WILD, text=f"You won. {WILD}")

    told = admin.get(f"quarantine/{row.pk}").json()

    assert (told["rule"], told["why"]) == ("ATTACHMENT_FORBIDDEN", "run.exe is a program")
    assert (told["is_dangerous"], told["has_reader"]) == (False, True)
    assert (told["proofs"], told["reasons"], told["junk_from"]) == ([], [], None)
    assert not AuditRecord.objects.filter(action="quarantine.read").exists()
    seen = admin.post(f"quarantine/{row.pk}/look")
    assert "You won." in seen.json()["text"]
    assert AuditRecord.objects.filter(action="quarantine.read", door="api").count() == 1
    for body in (seen.content.decode(), str(told)):
        assert not any(sign in body for sign in ("\x1b", "\u202e", "\\u001b"))


def test_each_is_let_go_by_itself(admin: Program, carl: User, eve: User) -> None:
    row, theirs = held(carl), held(eve)
    virus = held(carl, verdict=Verdict((VIRUS,), {carl.pk: Opinion(30)}))

    done = act(admin, "release", row, theirs, virus)

    assert done["done"] == 1
    assert [(one["is_done"], one["code"]) for one in done["items"]] == [
        (True, ""),
        (False, "not_found"),
        (False, "not_permitted"),
    ]
    assert states() == ["released", "kept", "kept"]
    assert (QueuedMessage.objects.filter(state="accepted").count(), JunkMark.objects.count()) == (
        1,
        1,
    )
    again = act(admin, "release", row)["items"][0]
    assert (again["code"], "released" in again["detail"]) == ("not_found", True)
    assert Quarantined.objects.get(pk=row.pk).settled_by == "api"


def test_what_was_deleted_is_kept_again(admin: Program, carl: User) -> None:
    row = held(carl)
    assert act(admin, "delete", row, row)["done"] == 1
    assert states() == ["deleted"]
    assert act(admin, "restore", row)["done"] == 1
    assert states() == ["kept"]
    actions = AuditRecord.objects.filter(door="api").order_by("pk").values_list("action", flat=True)
    assert list(actions)[-2:] == ["quarantine.delete", "quarantine.restore"]


def test_its_sender_is_blocked_for_the_domain(admin: Program, carl: User) -> None:
    (item,) = act(admin, "block", held(carl))["items"]
    assert item["blocked"] == "win@lot.test"
    assert list(ListEntry.objects.values_list("value", "verb")) == [("win@lot.test", "block")]
    assert states() == ["deleted"]


def test_what_cannot_be_is_told_by_its_field(admin: Program) -> None:
    told = admin.post("quarantine/acts", {"act": "burn", "messages": [0], "sure": True})
    assert faults(told) == [("/sure", "unknown_field")]
    told = admin.post("quarantine/acts", {"act": "burn", "messages": [0, 2**63]})
    assert [pointer for pointer, _ in faults(told)] == ["/act", "/messages/0", "/messages/1"]
