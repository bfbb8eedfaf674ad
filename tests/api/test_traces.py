"""What became of messages, told to programs."""

from typing import Any

import pytest

from apps.audit.models import AuditRecord
from apps.directory.models import Domain, User
from apps.provisioning import services as provisioning
from apps.runtime.ulid import new_ulid, ulid_text
from tests.api.conftest import Program, faults
from tests.console.conftest import PASSWORD
from tests.console.hostile import WILD
from tests.console.test_tracepage import sent
from tests.delivery.recorder.test_index import came, happened


@pytest.fixture
def carl(domain: Domain) -> User:
    return provisioning.add_user("carl@example.test", PASSWORD)[0]


@pytest.fixture
def eve(other_domain: Domain) -> User:
    return provisioning.add_user("eve@other.test", PASSWORD)[0]


def listed(asks: Program, query: str = "") -> list[dict[str, Any]]:
    answer = asks.get(f"traces?{query}")
    assert answer.status_code == 200, answer.content
    return list(answer.json()["items"])


def test_what_happened_just_now_is_listed(admin: Program, carl: User) -> None:
    trace_id = came(
        [carl.address, "bob@example.test"], subject="Planting plan", helo="mx.sender.invalid"
    )

    assert listed(admin, "text=planting&outcome=put_off") == []
    assert admin.get("traces?outcome=put%20off").status_code == 400
    (one,) = listed(admin, "text=planting&outcome=waiting&direction=incoming&server=sender.invalid")

    assert (one["id"], one["subject"], one["took"]) == (ulid_text(trace_id), "Planting plan", None)
    happened(trace_id, "local.delivered", to=carl.address, mailbox="INBOX", uid=1)
    happened(trace_id, "local.delivered", to="bob@example.test", mailbox="INBOX", uid=1)
    (one,) = listed(admin, "text=carl@example.test&role=recipient&since=2020-01-01T00:00:00Z")
    assert (one["outcome"], one["took"] > 0) == ("delivered", True)
    assert listed(admin, "until=2020-01-01T00:00:00Z") == []
    assert listed(admin, "min_points=1") == []


def test_pages_follow_each_other(admin: Program, carl: User) -> None:
    made = {ulid_text(came([carl.address], subject=f"No {number}")) for number in range(5)}
    first = admin.get("traces?limit=3").json()
    rest = listed(admin, f"limit=3&cursor={first['next']}")
    assert {one["id"] for one in (*first["items"], *rest)} == made
    assert faults(admin.get("traces?cursor=x")) == [("?cursor", "invalid")]
    assert faults(admin.get("traces?since=yesterday")) == [("?since", "invalid")]
    assert faults(admin.get("traces?min_points=NaN")) != []


def test_one_is_told_whole_and_the_look_is_recorded(admin: Program, carl: User) -> None:
    trace_id = sent(carl)

    answer = admin.get(f"traces/{ulid_text(trace_id)}")

    told = answer.json()
    assert (told["outcome"], told["to"]) == ("delivered", [carl.address])
    assert [one["state"] for one in told["recipients"]] == ["delivered"]
    assert any("Filed for carl@example.test" in one["title"] for one in told["steps"])
    assert told["verdict"]["junk"] < told["verdict"]["refuse"]
    assert AuditRecord.objects.filter(action="trace.read", door="api").count() == 1
    assert admin.get(f"traces/{ulid_text(trace_id)}", If_None_Match=answer["ETag"]).status_code in {
        200,
        304,
    }


def test_others_mail_is_not_there(admin: Program, operator: Program, eve: User) -> None:
    theirs = ulid_text(sent(eve))
    nothing = admin.get(f"traces/{ulid_text(new_ulid())}")
    answer = admin.get(f"traces/{theirs}")
    assert (answer.status_code, answer.json()) == (404, nothing.json())
    assert listed(admin) == []
    assert [one["id"] for one in listed(operator)] == [theirs]


def test_what_strangers_wrote_is_one_clean_line(admin: Program, carl: User) -> None:
    trace_id = came([carl.address], subject=WILD, helo=WILD)
    for answer in (admin.get("traces"), admin.get(f"traces/{ulid_text(trace_id)}")):
        body = answer.content.decode()
        assert answer.status_code == 200
        assert "\\u001b" not in body
        assert not any(sign in body for sign in "\x1b\u202e\0")
