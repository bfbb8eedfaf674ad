"""What all doors of the interface for programs have in common, asked of organisations."""

import base64
import hashlib
import json
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.conf import LazySettings
from django.utils import timezone

from apps.api.models import Replay
from apps.api.services import replays
from apps.audit.models import AuditRecord
from apps.directory.models import ApiToken, Domain, Organization, Role, User
from apps.directory.services import apitokens
from apps.provisioning import services as provisioning
from tests.api.conftest import Program, faults, program
from tests.console.conftest import holder


def make(operator: Program, name: str = "Numbat", **more: Any) -> Any:
    return operator.post("organizations", {"name": name, **more})


def test_who_has_no_token_is_told_how_to_send_one(stranger: Program) -> None:
    answer = stranger.get("organizations")

    assert answer.status_code == 401
    assert answer["WWW-Authenticate"].startswith("Bearer")
    assert answer["Content-Type"] == "application/problem+json"
    told = answer.json()
    assert (told["status"], told["code"]) == (401, "not_authenticated")
    assert told["type"] == "/api/docs/problems#not_authenticated"
    assert "Authorization: Bearer" in told["detail"]


@pytest.mark.parametrize(
    "token", ["mhk_wrong", "mht_wrong", "x", "", "mhk_" + "a" * 10_000, "\xff"]
)
def test_a_wrong_token_is_refused(token: str, db: None) -> None:
    assert Program(token or " ").get("organizations").status_code == 401


@pytest.mark.parametrize(
    "path", ["webhooks?organization={}", "users?domain={}", "roles?domain={}", "webhooks?domain={}"]
)
def test_an_id_that_no_database_holds_is_refused(operator: Program, path: str) -> None:
    for number in (2**63, 10**30):
        answer = operator.get(path.format(number))

        assert answer.status_code == 400
        assert [code for _, code in faults(answer)] == ["max_value"]


def test_guesses_at_tokens_are_slowed(db: None) -> None:
    guessing = Program("mhk_guess")
    statuses = [guessing.get("organizations").status_code for _ in range(12)]

    assert statuses[:10] == [401] * 10
    assert 429 in statuses


def test_a_token_ends(domain: Domain) -> None:
    user = holder("root@elsewhere.test", Role.OPERATOR)
    until = timezone.now() + timedelta(days=1)
    _, text = apitokens.issue(
        user=user, name="brief", scopes=["organizations:read"], expires_at=until
    )
    assert Program(text).get("organizations").status_code == 200

    with time_machine.travel(until + timedelta(seconds=1), tick=False):
        assert Program(text).get("organizations").json()["code"] == "authentication_failed"


def test_a_token_works_from_its_networks_alone(domain: Domain) -> None:
    user = holder("root@elsewhere.test", Role.OPERATOR)
    _, text = apitokens.issue(
        user=user, name="office", scopes=["organizations:read"], networks=["198.51.100.0/24"]
    )

    assert Program(text, "198.51.100.9").get("organizations").status_code == 200
    assert Program(text, "::ffff:198.51.100.9").get("organizations").status_code == 200
    assert Program(text, "192.0.2.1").get("organizations").status_code == 403


def test_the_last_use_of_a_token_is_noted(operator: Program) -> None:
    operator.get("organizations")

    token = ApiToken.objects.get()
    assert token.last_used_from == "192.0.2.1"
    assert token.last_used_at is not None


def test_what_is_done_is_recorded_as_done_by_its_user(operator: Program) -> None:
    assert make(operator).status_code == 201

    record = AuditRecord.objects.get(action="organization.add")
    assert (record.actor, record.door, record.address) == (
        "root@elsewhere.test",
        "api",
        "192.0.2.1",
    )


def test_a_scope_that_is_missing_is_named(domain: Domain) -> None:
    reading = program(holder("root@elsewhere.test", Role.OPERATOR), ["organizations:read"])
    answer = make(reading)

    assert (answer.status_code, answer.json()["code"]) == (403, "scope_missing")
    assert "organizations:write" in answer.json()["detail"]


def test_a_token_with_places_reaches_no_further(domain: Domain, other_domain: Domain) -> None:
    user = holder("root@elsewhere.test", Role.OPERATOR)
    bound = program(user, places=[domain.organization])

    assert [one["name"] for one in bound.get("organizations").json()["items"]] == ["A"]
    assert bound.get(f"organizations/{other_domain.organization_id}").status_code == 404
    assert make(bound).status_code == 403


def test_a_token_whose_places_are_gone_is_none_for_everywhere(operator: Program) -> None:
    left = Organization.objects.get(pk=make(operator).json()["id"])
    bound = program(User.objects.get(key="root@elsewhere.test"), places=[left], name="bound")
    assert bound.get("organizations").status_code == 200

    operator.delete(f"organizations/{left.pk}")

    assert bound.get("organizations").status_code == 403


def test_a_token_of_who_is_suspended_does_nothing(admin: Program) -> None:
    provisioning.suspend_user("admin@example.test")

    assert admin.get("organizations").json()["code"] == "account_suspended"


@pytest.mark.parametrize(
    ("body", "status", "wrong"),
    [
        (b"{", 400, []),
        (b"[]", 400, []),
        (b'"name"', 400, []),
        (b'{"name": NaN}', 400, []),
        (b'{"name": "a", "name": "b"}', 400, []),
        (b"\xff\xfe{}", 400, []),
        (b"[" * 100_000, 400, []),
        (b'{"name": "' + b"a" * 3_000_000 + b'"}', 413, []),
        (b"{}", 422, [("/name", "required")]),
        (b'{"name": null}', 422, [("/name", "required")]),
        (b'{"name": ""}', 422, [("/name", "required")]),
        (b'{"name": "a\\u0000b"}', 422, [("/name", "null_characters_not_allowed")]),
        (b'{"name": "a\\ud800b"}', 422, [("/name", "surrogate")]),
        (b'{"name": ["a"]}', 422, [("/name", "invalid")]),
        (b'{"name": "a", "is_operator": true}', 422, [("/is_operator", "unknown_field")]),
        (b'{"name": "a", "id": 1, "state": "locked"}', 422,
         [("/id", "unknown_field"), ("/state", "unknown_field")]),
        (b'{"name": "a", "max_users": -1}', 422, [("/max_users", "min_value")]),
        (b'{"name": "a", "max_users": 1e400}', 422, [("/max_users", "invalid")]),
        (b'{"name": "a", "max_users": 99999999999999999999}', 422, [("/max_users", "max_value")]),
        (b'{"name": "a", "\\ud800": 1}', 422, [("/\ud800", "unknown_field")]),
    ],
)  # fmt: skip
def test_a_body_that_cannot_be_is_told_what_is_wrong_with_it(
    body: bytes, status: int, wrong: list[tuple[str, str]], operator: Program
) -> None:
    answer = operator.post("organizations", body)

    assert (answer.status_code, faults(answer)) == (status, wrong), answer.content
    assert all(one["detail"] for one in answer.json().get("errors", []))
    assert not Organization.objects.filter(name__startswith="a").exists()


@pytest.mark.parametrize(
    ("query", "wrong"),
    [
        ("limit=0", ("?limit", "min_value")),
        ("limit=1001", ("?limit", "max_value")),
        ("limit=x", ("?limit", "invalid")),
        ("cursor=x", ("?cursor", "invalid")),
        ("cursor=" + "9" * 100, ("?cursor", "invalid")),
        ("nme=x", ("?nme", "unknown_parameter")),
        ("name=a&name=b", ("?name", "repeated")),
        ("name=%00", ("?name", "null_characters_not_allowed")),
    ],
)
def test_a_question_that_cannot_be_is_told_what_is_wrong_with_it(
    query: str, wrong: tuple[str, str], operator: Program
) -> None:
    answer = operator.get(f"organizations?{query}")

    assert (answer.status_code, faults(answer)) == (400, [wrong])


def test_a_list_is_read_page_by_page(operator: Program) -> None:
    for number in range(5):
        make(operator, f"N{number}")

    names: list[str] = []
    path = "/api/v1/organizations?limit=2&name=N"
    while path:
        answer = operator.get(path)
        names += [one["name"] for one in answer.json()["items"]]
        link = answer.get("Link", "")
        assert bool(link) == (answer.json()["next"] is not None)
        path = link[1 : link.index(">")] if link else ""
    assert names == [f"N{number}" for number in range(5)]


def test_who_knows_the_state_is_not_sent_it_again(operator: Program) -> None:
    path = make(operator)["Location"]
    tag = operator.get(path)["ETag"]

    again = operator.get(path, If_None_Match=tag)
    assert (again.status_code, again.content, again["ETag"]) == (304, b"", tag)
    assert operator.get(path, If_None_Match='"other"').status_code == 200


def test_who_speaks_of_another_state_changes_nothing(operator: Program) -> None:
    path = make(operator)["Location"]
    tag = operator.get(path)["ETag"]
    assert operator.patch(path, {"max_users": 5}, If_Match=tag).status_code == 200

    late = operator.patch(path, {"max_users": 6}, If_Match=tag)
    assert (late.status_code, late.json()["code"]) == (412, "changed_meanwhile")
    assert operator.delete(path, If_Match=tag).status_code == 412
    assert operator.get(path).json()["max_users"] == 5
    assert operator.patch(path, {"max_users": 6}, If_Match="*").status_code == 200


def test_both_halves_of_a_change_happen_or_none(operator: Program) -> None:
    make(operator, "Taken")
    path = make(operator)["Location"]

    answer = operator.patch(path, {"state": "locked", "name": "Taken"})

    assert (answer.status_code, faults(answer)) == (409, [("/name", "already_exists")])
    assert operator.get(path).json()["state"] == "active"


def test_a_request_that_is_sent_again_is_done_once(operator: Program) -> None:
    first = operator.post("organizations", {"name": "Numbat"}, Idempotency_Key="a b/1")
    again = operator.post("organizations", {"name": "Numbat"}, Idempotency_Key="a b/1")

    assert (first.status_code, again.status_code) == (201, 201)
    assert first.content == again.content
    assert first["Location"] == again["Location"]
    assert "Idempotency-Replayed" not in first
    assert again["Idempotency-Replayed"] == "true"
    assert Organization.objects.filter(name="Numbat").count() == 1


def test_the_same_key_for_something_else_is_refused(operator: Program) -> None:
    operator.post("organizations", {"name": "Numbat"}, Idempotency_Key="1")
    answer = operator.post("organizations", {"name": "Bilby"}, Idempotency_Key="1")

    assert (answer.status_code, answer.json()["code"]) == (422, "key_reused")
    assert not Organization.objects.filter(name="Bilby").exists()


def test_what_failed_may_be_sent_again(operator: Program) -> None:
    taken = make(operator)["Location"]
    assert (
        operator.post("organizations", {"name": "Numbat"}, Idempotency_Key="1").status_code == 409
    )
    operator.delete(taken)

    assert (
        operator.post("organizations", {"name": "Numbat"}, Idempotency_Key="1").status_code == 201
    )


def test_keys_of_two_tokens_are_not_the_same(operator: Program) -> None:
    other = program(User.objects.get(key="root@elsewhere.test"))
    operator.post("organizations", {"name": "Numbat"}, Idempotency_Key="1")

    assert other.post("organizations", {"name": "Bilby"}, Idempotency_Key="1").status_code == 201


@pytest.mark.parametrize("key", ["", "a" * 256, "é"])
def test_a_key_that_cannot_be_is_refused(key: str, operator: Program) -> None:
    answer = operator.post("organizations", {"name": "Numbat"}, Idempotency_Key=key)

    assert (answer.status_code, faults(answer)) == (400, [("Idempotency-Key:", "invalid")])


def test_answers_are_kept_sealed_and_for_a_day(operator: Program) -> None:
    operator.post("organizations", {"name": "Numbat"}, Idempotency_Key="1")
    row = Replay.objects.get()
    assert b"Numbat" not in bytes(row.answer)
    assert replays.prune() == 0

    with time_machine.travel(timezone.now() + timedelta(hours=25), tick=False):
        assert replays.prune() == 1


def test_each_answer_tells_what_is_left_of_the_minute(
    operator: Program, settings: LazySettings
) -> None:
    settings.API_REQUESTS_PER_MINUTE = 2
    with time_machine.travel(1_800_000_000, tick=False):
        answers = [operator.get("organizations") for _ in range(3)]

    assert [one.status_code for one in answers] == [200, 200, 429]
    assert [one["RateLimit-Remaining"] for one in answers[:2]] == ["1", "0"]
    assert answers[0]["RateLimit-Limit"] == "2"
    assert answers[2].json()["code"] == "throttled"
    assert 0 < int(answers[2]["Retry-After"]) <= 60


def test_a_wrong_address_or_verb_is_told_so(operator: Program, stranger: Program) -> None:
    for answer in (operator.get("nothing"), stranger.get("nothing"), stranger.get("/api/")):
        assert (answer.status_code, answer.json()["code"]) == (404, "not_found")
    assert operator.put("organizations", {}).json()["code"] == "method_not_allowed"
    text = operator._client.post("/api/v1/organizations", "name=x", content_type="text/plain")
    assert (text.status_code, text.json()["code"]) == (415, "unsupported_media_type")


def test_it_takes_no_cookie(domain: Domain, client: Any) -> None:
    user = holder("root@elsewhere.test", Role.OPERATOR)
    client.force_login(user, backend="apps.directory.backends.MailhostBackend")

    assert client.get("/api/v1/organizations").status_code == 401


def test_the_schema_is_open_to_all(stranger: Program) -> None:
    schema = json.loads(stranger.get("openapi.json").content)

    assert schema["openapi"].startswith("3.1")
    assert "/api/v1/organizations" in schema["paths"]


def test_what_is_kept_of_a_request_tells_nobody_a_password(operator: Program) -> None:
    body = json.dumps({"name": "Numbat"}).encode()
    operator.ask("POST", "organizations", body, Idempotency_Key="1")
    kept = bytes(Replay.objects.get().request)
    for line in (b"", b"POST /api/v1/organizations application/json\0"):
        for text in (body, hashlib.sha256(body).digest()):
            assert kept != hashlib.sha256(line + text).digest()


def test_an_answer_whose_key_is_gone_is_no_defect(operator: Program, settings: Any) -> None:
    operator.post("organizations", {"name": "Numbat"}, Idempotency_Key="1")
    settings.ENCRYPTION_KEY = (base64.b64encode(b"k" * 32).decode(),)
    again = operator.post("organizations", {"name": "Numbat"}, Idempotency_Key="1")
    assert (again.status_code, again.json()["code"]) == (409, "answer_lost")
