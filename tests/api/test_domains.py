"""Domains: hosted, set up, renamed and given up by programs."""

from typing import Any

import pytest

from apps.audit.models import AuditRecord
from apps.directory.models import Domain
from apps.directory.services import dkim
from apps.directory.services.dkim import NewKeys
from apps.provisioning import services as provisioning
from tests.api.conftest import Program, faults
from tests.support.mail import drain


def make(asks: Program, name: str = "numbat.test", **more: Any) -> Any:
    return asks.post("domains", {"name": name, **more})


def test_a_domain_is_hosted_and_told_what_its_dns_needs(operator: Program, domain: Domain) -> None:
    made = make(operator, "Bücher.test", organization=domain.organization_id)

    assert made.status_code == 201, made.content
    assert (made.json()["name"], made.json()["display_name"]) == (
        "xn--bcher-kva.test",
        "bücher.test",
    )
    records = operator.get(f"{made['Location']}/dns").json()["records"]
    assert {"mx", "spf", "dkim", "dmarc"} <= {one["kind"] for one in records}
    assert {one["standing"] for one in records} == {"unknown"}
    zone = operator.get(f"{made['Location']}/zone")
    assert zone["Content-Type"].startswith("text/dns")
    assert "$ORIGIN xn--bcher-kva.test." in zone.content.decode()
    assert AuditRecord.objects.filter(action="domain.add", door="api").exists()


@pytest.mark.parametrize(
    ("body", "told"),
    [
        ({}, [("/name", "required")]),
        ({"name": "not a name"}, [("/name", "invalid_name")]),
        ({"name": "example.test", "alias_of": "other.test"}, [("/name", "already_exists")]),
        ({"name": "numbat.test"}, [("/organization", "organization_needed")]),
        ({"name": "numbat.test", "organization": 999_999}, [("/organization", "not_found")]),
        ({"name": "numbat.test", "alias_of": "nothing.test"}, [("/alias_of", "not_found")]),
        ({"name": "numbat.test", "kind": "relay"}, [("/kind", "unknown_field")]),
    ],
)
def test_what_cannot_be_hosted_is_told_by_its_field(
    body: dict[str, Any],
    told: list[tuple[str, str]],
    operator: Program,
    domain: Domain,
    other_domain: Domain,
) -> None:
    answer = operator.post("domains", body)
    assert (answer.status_code in {409, 422}, faults(answer)) == (True, told)
    assert sorted(Domain.objects.values_list("name", flat=True)) == ["example.test", "other.test"]


def test_no_keys_are_made_for_what_is_refused(
    admin: Program, operator: Program, monkeypatch: pytest.MonkeyPatch
) -> None:
    def prepare() -> None:
        raise AssertionError("RSA keys cost time")

    monkeypatch.setattr(dkim, "prepare", prepare)
    assert make(operator, "not a name").status_code == 422
    assert make(operator, "numbat.test", Unknown=1).status_code == 422


def test_lists_are_of_what_is_asked_for(
    operator: Program, domain: Domain, other_domain: Domain
) -> None:
    make(operator, "alias.test", alias_of="example.test")

    def names(query: str) -> list[str]:
        return [one["name"] for one in operator.get(f"domains?{query}").json()["items"]]

    assert names("") == ["alias.test", "example.test", "other.test"]
    assert names("name=EXAMPLE.test") == ["example.test"]
    assert names("begins=o") == ["other.test"]
    assert names(f"alias_of={domain.pk}") == ["alias.test"]
    assert names(f"organization={domain.organization_id}") == ["alias.test", "example.test"]
    assert names("state=suspended") == []
    assert names("needs_work=true") == []
    assert len(names("needs_work=false")) == 3


def test_a_page_costs_the_same_however_long_it_is(
    operator: Program, domain: Domain, django_assert_max_num_queries: Any
) -> None:
    for number in range(12):
        provisioning.add_domain(f"d{number}.test", alias_of="example.test")
    with django_assert_max_num_queries(8):
        assert len(operator.get("domains").json()["items"]) == 13


def test_settings_are_changed_together(admin: Program, domain: Domain) -> None:
    change = {
        "detail_separator": "-",
        "default_quota": 1_000_000,
        "dmarc_policy": "junk",
        "greylists": True,
        "factor_demand": "everybody",
        "password_length": 12,
        "digest": "daily",
        "sts_mode": "testing",
    }
    answer = admin.patch(f"domains/{domain.pk}", change)
    assert (answer.status_code, change.items() <= answer.json().items()) == (200, True)

    # What is left out stays; null is the installation's.
    answer = admin.patch(f"domains/{domain.pk}", {"default_quota": None, "password_length": None})
    assert answer.json() == {
        **answer.json(),
        **change,
        "default_quota": None,
        "password_length": None,
    }


def test_a_change_of_another_state_is_none(admin: Program, domain: Domain) -> None:
    path = f"domains/{domain.pk}"
    seen = admin.get(path)["ETag"]
    assert admin.patch(path, {"greylists": True}, If_Match=seen).status_code == 200
    assert admin.patch(path, {"greylists": False}, If_Match=seen).status_code == 412
    assert admin.get(path).json()["greylists"] is True


def test_a_condition_that_nobody_hears_is_refused(admin: Program, domain: Domain) -> None:
    answer = admin.patch(f"domains/{domain.pk}/dns", {"is_elsewhere": True}, If_Match='"x"')
    assert (answer.status_code, faults(answer)) == (400, [("If-Match:", "not_understood")])


def test_keys_are_rotated(admin: Program, domain: Domain) -> None:
    path = f"domains/{domain.pk}/keys"
    first = {one["selector"] for one in admin.get(path).json()["keys"]}

    made = admin.post(path)
    assert made.status_code == 201
    waiting = {one["selector"] for one in made.json()["keys"] if one["state"] == "pending"}
    assert waiting
    assert not waiting & first
    assert admin.post(path).json()["code"] == "in_use"

    done = admin.post(f"{path}/activate", {"force": True}).json()["keys"]
    assert {(one["selector"], one["state"]) for one in done} == {(one, "active") for one in waiting}
    assert {one["state"] for one in admin.get(path).json()["keys"] if one["selector"] in first} == {
        "retiring"
    }
    assert b"secret" not in admin.get(path).content
    assert b"PRIVATE" not in admin.get(path).content


def test_the_password_of_a_smarthost_is_never_shown(operator: Program, domain: Domain) -> None:
    path = f"domains/{domain.pk}/smarthost"
    server = {"host": "192.0.2.7", "port": 587, "username": "u", "password": "hunter2 "}
    assert operator.put(path, server).json() == {
        "host": "192.0.2.7",
        "port": 587,
        "tls": "verify",
        "username": "u",
    }
    assert b"hunter2" not in operator.get(path).content
    assert operator.delete(path).status_code == 204
    assert operator.get(path).status_code == 404


def test_a_relay_hands_mail_on(operator: Program, domain: Domain) -> None:
    path = f"domains/{domain.pk}/relay"
    assert operator.put(path, {"check": "any", "host": "192.0.2.7"}).status_code == 200
    assert operator.get(f"domains/{domain.pk}").json()["kind"] == "relay"
    assert operator.get(path).json()["server"]["host"] == "192.0.2.7"
    assert operator.delete(path).status_code == 204
    assert operator.get(f"domains/{domain.pk}").json()["kind"] == "hosted"


def test_limits_are_set_and_taken_back(operator: Program, domain: Domain) -> None:
    path = f"domains/{domain.pk}/limits"
    assert operator.patch(path, {"messages_per_day": 50}).json()["messages_per_day"] == 50
    assert operator.patch(path, {"recipients_per_hour": 9}).json()["messages_per_day"] == 50
    assert operator.patch(path, {"messages_per_day": None}).json()["messages_per_day"] is None
    assert faults(operator.patch(path, {"messages_per_day": -1})) == [
        ("/messages_per_day", "min_value")
    ]


def test_it_is_renamed_and_given_up(operator: Program, domain: Domain) -> None:
    provisioning.add_user("ann@example.test", "correct horse battery")
    path = f"domains/{domain.pk}"
    renamed = operator.post(f"{path}/rename", {"name": "new.test", "keeps_alias": False})
    assert (renamed.status_code, renamed.json()["name"]) == (200, "new.test")

    assert operator.delete(path).json()["code"] == "in_use"
    assert operator.delete(f"{path}?force=true").status_code == 204
    assert operator.get(path).status_code == 404


def test_what_a_door_does_with_a_domain_out_of_sight_is_nothing(
    admin: Program, other_domain: Domain
) -> None:
    for path in ("", "/dns", "/zone", "/keys", "/limits", "/smarthost", "/relay"):
        assert admin.get(f"domains/{other_domain.pk}{path}").json() == {
            **admin.get("domains/999999").json()
        }


def test_a_letter_shows_whether_mail_arrives(admin: Program, ann: Program, domain: Domain) -> None:
    path = f"domains/{domain.pk}/test"
    sent = admin.post(path, {"to": "ann"})
    assert sent.status_code == 202, sent.content
    assert sent.json()["to"] == "ann@example.test"
    drain()
    told = admin.get(f"traces/{sent.json()['trace']}")
    assert (told.status_code, b"ann@example.test" in told.content) == (200, True)

    assert faults(admin.post(path, {"to": "nobody"})) == [("/to", "not_found")]
    assert faults(admin.post(path, {"to": "ann@elsewhere.test"})) == [("/to", "invalid_address")]


def test_a_new_name_costs_no_key_for_who_may_not_give_it(
    operator: Program, admin: Program, domain: Domain, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[bool] = []

    def prepare() -> NewKeys:
        made.append(True)
        return NewKeys(())

    monkeypatch.setattr(dkim, "prepare", prepare)
    path = f"domains/{domain.pk}"
    assert admin.post(f"{path}/rename", {"name": "new.test"}).status_code == 403
    assert operator.post("domains/999999/rename", {"name": "new.test"}).status_code == 404
    assert operator.post(f"{path}/rename", {"name": "no name"}).status_code == 422
    assert operator.post("domains/999999/keys").status_code == 404
    assert made == []

    for number in range(2):  # the second time it is told again, and nothing is made
        answer = operator.post(f"{path}/rename", {"name": "new.test"}, Idempotency_Key="once")
        assert (number, answer.status_code) == (number, 200)
    assert operator.post(f"{path}/keys", Idempotency_Key="keys").status_code == 201
    assert len(made) == 2


def test_many_are_hosted_by_lines_and_keys_are_made_for_those_alone(
    operator: Program,
    admin: Program,
    domain: Domain,
    other_domain: Domain,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    made: list[int] = []

    def prepare() -> NewKeys:
        made.append(1)
        return NewKeys(())

    monkeypatch.setattr(dkim, "prepare", prepare)
    sent = [
        {"name": "numbat.test", "organization": domain.organization_id},
        {"name": "mirror.test", "alias_of": "numbat.test"},
        {"name": "numbat.test", "organization": domain.organization_id},
        {"name": "no name"},
        {"name": "bilby.test"},
        {"name": "bilby.test", "alias_of": "nothing.test"},
    ]
    *said, end = operator.lines("domains/bulk", sent)
    assert [one["status"] for one in said] == [201, 201, 409, 422, 422, 422]
    assert (end["done"], end["failed"]) == (2, 4)
    assert said[1]["result"]["alias_of"] == "numbat.test"
    assert [one["problem"]["errors"][0]["pointer"] for one in said[2:]] == [
        *("/name", "/name", "/organization", "/alias_of")
    ]
    assert len(made) == 4

    *said, _ = admin.lines("domains/bulk", sent)
    assert {one["status"] for one in said} == {403}
    assert len(made) == 4


def test_who_is_behind_a_relay_is_named(operator: Program, admin: Program, domain: Domain) -> None:
    path = f"domains/{domain.pk}/relay/recipients"
    assert admin.post(path, {"recipients": ["ann"]}).json()["code"] == "in_use"
    operator.put(f"domains/{domain.pk}/relay", {"check": "list", "host": "192.0.2.7"})

    def named() -> list[str]:
        return [one["address"] for one in admin.get(path).json()["items"]]

    added = admin.post(path, {"recipients": ["Ann", "bob@Example.test", "ann"]})
    assert (added.json(), named()) == (
        {"added": 2, "removed": 0},
        ["ann@example.test", "bob@example.test"],
    )
    said = admin.put(path, {"recipients": ["bob", "cyd"]}).json()
    assert (said, named()) == (
        {"added": 1, "removed": 1},
        ["bob@example.test", "cyd@example.test"],
    )
    assert admin.delete(f"{path}/BOB@example.test").status_code == 204
    assert admin.delete(f"{path}/bob@example.test").status_code == 404
    assert admin.delete(f"{path}/x@other.test").status_code == 422
    assert faults(admin.post(path, {"recipients": ["x@other.test"]})) == [
        ("/recipients", "invalid_address")
    ]
    assert faults(admin.post(path, {"recipients": ["a"] * 10_001})) == [
        ("/recipients", "max_length")
    ]
    assert admin.put(path, {"recipients": []}).json() == {"added": 0, "removed": 1}
