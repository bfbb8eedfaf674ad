"""Ten thousand users in one request: a line for each, and a line about each."""

import asyncio
import json
from collections.abc import Iterable
from typing import Any

import pytest

from apps.api.bulk import lines, run
from apps.api.bulk.lines import MEDIA_TYPE, read
from apps.api.users.bulk import NewUsers
from apps.audit.models import AuditRecord
from apps.directory import passwords
from apps.directory.models import Domain, Organization, Role, User
from apps.directory.passwords import is_right
from apps.provisioning import services as provisioning
from apps.wire.errors import StorageUnavailable
from tests.api.conftest import Program, faults, program
from tests.console.conftest import holder

GOOD = "a gull over Rockall"


def body_of(objects: Iterable[Any]) -> bytes:
    return b"".join(
        (one if isinstance(one, bytes) else json.dumps(one).encode()) + b"\n" for one in objects
    )


def send(asks: Program, objects: Iterable[Any], **headers: str) -> list[dict[str, Any]]:
    answer = asks.ask("POST", "users/bulk", body_of(objects), Content_Type=MEDIA_TYPE, **headers)
    assert answer.status_code == 200, answer.content
    assert answer["Content-Type"] == MEDIA_TYPE
    return [json.loads(one) for one in b"".join(answer.streaming_content).splitlines()]


def users(*names: str) -> list[dict[str, str]]:
    return [{"address": f"{name}@example.test", "password": GOOD} for name in names]


def test_each_line_is_answered_and_none_hurts_another(admin: Program, other_domain: Domain) -> None:
    said = send(
        admin,
        [
            {"address": "ann@example.test", "name": "Ann", "quota": 5},
            b"",
            {"address": "ann@example.test"},
            b"{nonsense",
            b"[]",
            {"address": "bob@example.test", "shoe": 44},
            {"address": "eve@other.test"},
            {"address": "bob@example.test", "password": "x"},
            {"address": "bob@example.test", "password": GOOD},
            b'{"address": "' + b"x" * lines.LONGEST + b'"}',
            {"address": "b\ud800b@example.test"},
            {"address": "zoë@example.test", "invite": "zoe@elsewhere.test"},
        ],
    )

    assert [(one.get("line"), one.get("status")) for one in said] == [
        (1, 201),
        (3, 409),
        (4, 400),
        (5, 400),
        (6, 422),
        (7, 422),
        (8, 422),
        (9, 201),
        (10, 413),
        (11, 422),
        (12, 201),
        (None, None),
    ]
    assert said[-1] == {"done": 3, "failed": 8, "problem": None}
    ann = User.objects.get(key="ann@example.test")
    assert is_right(said[0]["result"]["password"], ann.password)
    assert (said[0]["result"]["id"], said[0]["result"]["quota"]) == (ann.pk, 5)
    problems = [one["problem"] for one in said if one.get("problem")]
    told = [one.get("errors", [{}])[0].get("pointer") for one in problems]
    assert told == ["/address", None, None, "/shoe", "/address", "/password", "", "/address"]
    records = AuditRecord.objects.filter(action="user.add", door="api")
    assert {one.actor for one in records} == {"admin@example.test"}
    assert len(records) == 3


def test_lines_that_were_done_are_not_done_again(admin: Program) -> None:
    asked = [{"address": f"u{number}@example.test"} for number in range(30)]
    first = send(admin, [*asked, {"address": "sales"}], Idempotency_Key="once")
    assert (first[-1]["done"], first[-1]["failed"]) == (30, 1)

    # What failed is tried again, with what is right now.
    again = send(admin, [*asked, {"address": "sales@example.test"}], Idempotency_Key="once")
    assert (again[-1]["done"], again[-1]["failed"]) == (31, 0)
    assert [one["result"] for one in again[:30]] == [one["result"] for one in first[:30]]
    assert [one.get("is_replayed", False) for one in again[:-1]] == [True] * 30 + [False]

    # The same key with another line in that place is a mistake.
    other = send(admin, [{"address": "u31@example.test"}], Idempotency_Key="once")
    assert other[0]["problem"]["code"] == "key_reused"
    assert User.objects.filter(key__startswith="u").count() == 30


def test_who_sends_the_same_without_a_key_costs_no_hash(
    admin: Program, monkeypatch: pytest.MonkeyPatch
) -> None:
    send(admin, users("ann", "bob"))

    def seal(password: str | None) -> None:
        raise AssertionError("hashes cost time")

    monkeypatch.setattr(passwords, "seal", seal)
    assert [one.get("status") for one in send(admin, users("ann", "bob"))] == [409, 409, None]


def test_statements_are_few_however_many_lines(
    operator: Program, domain: Domain, django_assert_max_num_queries: Any
) -> None:
    crowd = [{"address": f"u{number:02}@example.test", "password": "x"} for number in range(60)]
    with django_assert_max_num_queries(45):  # three transactions, and who asks
        assert send(operator, crowd)[-1]["failed"] == 60


def test_an_organisation_holds_no_more_than_it_may(admin: Program, domain: Domain) -> None:
    Organization.objects.filter(pk=domain.organization_id).update(max_users=3)
    said = send(admin, users("ann", "bob", "cid"))
    assert [one.get("status") for one in said] == [201, 201, 403, None]


def test_it_ends_where_the_token_does(admin: Program, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(NewUsers, "at_once", 2)
    done = NewUsers.done

    def revoking(self: NewUsers, access: Any, line: Any) -> Any:
        User.objects.get(key="admin@example.test").api_tokens.all().delete()
        return done(self, access, line)

    monkeypatch.setattr(NewUsers, "done", revoking)
    said = send(admin, users("a1", "a2", "a3"))
    assert [one.get("status") for one in said[:-1]] == [201, 201]
    assert (said[-1]["done"], said[-1]["problem"]["code"]) == (2, "authentication_failed")
    assert not User.objects.filter(key="a3@example.test").exists()


def test_it_ends_where_the_storage_does(admin: Program, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(NewUsers, "at_once", 2)
    done = NewUsers.done

    def failing(self: NewUsers, access: Any, line: Any) -> Any:
        if line.number == 4:
            raise StorageUnavailable("away")
        return done(self, access, line)

    monkeypatch.setattr(NewUsers, "done", failing)
    said = send(admin, users("a1", "a2", "a3", "a4"), Idempotency_Key="k")
    assert [one.get("line") for one in said] == [1, 2, None]
    assert (said[-1]["done"], said[-1]["problem"]["status"]) == (2, 503)
    assert User.objects.filter(key__startswith="a").exclude(key__startswith="admin").count() == 2
    monkeypatch.undo()
    assert send(admin, users("a1", "a2", "a3", "a4"), Idempotency_Key="k")[-1]["done"] == 4


def test_a_defect_of_ours_is_said_of_its_line(
    admin: Program, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(self: NewUsers, access: Any, line: Any) -> Any:
        raise RuntimeError("secret")

    monkeypatch.setattr(NewUsers, "done", broken)
    said = send(admin, users("ann"))
    assert (said[0]["status"], said[0]["problem"]["code"]) == (500, "internal")
    assert "secret" not in json.dumps(said)


def test_there_are_so_many_lines_at_most(admin: Program, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run, "MOST", 3)
    said = send(admin, users("ann", "bob", "cid", "dan"))
    assert [one.get("status") for one in said[:-1]] == [201] * 3
    assert (said[-1]["problem"]["status"], said[-1]["done"]) == (413, 3)


def test_what_is_no_line_is_told_before_anything_is_done(admin: Program) -> None:
    assert admin.post("users/bulk", {"address": "ann@example.test"}).status_code == 415
    answer = admin.ask("POST", "users/bulk", b"{}", Content_Type=MEDIA_TYPE, Idempotency_Key="é")
    assert (answer.status_code, faults(answer)) == (400, [("Idempotency-Key:", "invalid")])
    assert send(admin, []) == [{"done": 0, "failed": 0, "problem": None}]


def test_who_may_not_add_is_told_of_each_line(ann: Program, admin: Program) -> None:
    answer = ann.ask("POST", "users/bulk", b"{}", Content_Type=MEDIA_TYPE)
    assert answer.status_code == 403
    provisioning.suspend_user("admin@example.test")
    answer = admin.ask("POST", "users/bulk", b"{}", Content_Type=MEDIA_TYPE)
    assert answer.status_code == 403


def test_lines_are_read_one_at_a_time_whatever_they_are() -> None:
    body = b"\r\n{1}\r\n  {2}" + b" " * 10 + b"\n\n" + b"x" * (3 * lines.LONGEST) + b"\n{4}"
    at = 0

    def readline(most: int) -> bytes:
        nonlocal at
        end = body.find(b"\n", at, at + most)
        found = body[at : end + 1 if end >= 0 else at + most]
        at += len(found)
        return found

    found = [(one.number, one.octets) for one in read(readline)]
    assert found == [(2, b"{1}"), (3, b"{2}"), (5, b""), (6, b"{4}")]


def test_a_server_makes_the_lines_while_it_sends_them(
    transactional_db: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    provisioning.add_domain("example.test", organization="A")
    admin = program(holder("admin@example.test", Role.DOMAIN_ADMIN, Domain.objects.get()))
    monkeypatch.setattr(NewUsers, "at_once", 3)

    def ask(names: str = "abcdefg", **headers: str) -> Any:
        body = body_of(users(*names))
        return admin.ask("POST", "users/bulk", body, Content_Type=MEDIA_TYPE, **headers)

    async def some(answer: Any, most: int) -> bytes:
        got, pieces = b"", aiter(answer)
        async for piece in pieces:
            got, most = got + piece, most - 1
            if not most:
                await pieces.aclose()  # as when a client hangs up
                break
        return got

    assert len(asyncio.run(some(ask(), 1)).splitlines()) == 3
    # Whoever comes again has all of it, in order.
    said = [json.loads(one) for one in asyncio.run(some(ask(), 9)).splitlines()]
    assert [one.get("line") for one in said] == [1, 2, 3, 4, 5, 6, 7, None]
    assert [one.get("status") for one in said[:3]] == [409] * 3
    assert said[-1]["problem"] is None
    assert User.objects.filter(key__in=[f"{one}@example.test" for one in "abcdefg"]).count() == 7

    # Two who send the same with one key at the same moment make one of each.
    answers = [ask("vwxyz", Idempotency_Key="k") for _ in range(2)]

    async def both() -> list[bytes]:
        return await asyncio.gather(*(some(answer, 9) for answer in answers))

    one, other = ([json.loads(line) for line in said.splitlines()] for said in asyncio.run(both()))
    assert [line.get("status") for line in one + other] == [*[201] * 5, None] * 2
    assert [line["result"] for line in one[:-1]] == [line["result"] for line in other[:-1]]
    assert sum(line.get("is_replayed", False) for line in one + other) == 5
