"""Organisations: added, bounded, counted and given up by programs."""

from typing import Any

from apps.audit.models import AuditRecord
from apps.directory.models import Domain, Organization
from apps.mailstore.models import Usage
from apps.provisioning import services as provisioning
from tests.api.conftest import Program, faults
from tests.console.conftest import PASSWORD


def test_one_is_added_changed_and_removed(operator: Program) -> None:
    made = operator.post("organizations", {"name": "Numbat Limited", "max_users": 5})
    assert made.status_code == 201, made.content
    path = made["Location"]
    assert faults(operator.post("organizations", {"name": "Numbat Limited"})) == [
        ("/name", "already_exists")
    ]

    change = {"name": "Numbat", "max_users": None, "max_storage": 10**12, "state": "locked"}
    changed = operator.patch(path, change).json()
    assert {**changed, **change} == changed
    assert operator.patch(path, {"max_domains": 3}).json()["max_storage"] == 10**12
    assert faults(operator.patch(path, {"max_users": -1})) == [("/max_users", "min_value")]

    assert operator.delete(path).status_code == 204
    assert operator.get(path).status_code == 404
    assert AuditRecord.objects.filter(action="organization.remove", door="api").exists()


def test_one_with_domains_stays(operator: Program, domain: Domain) -> None:
    answer = operator.delete(f"organizations/{domain.organization_id}")
    assert (answer.status_code, answer.json()["code"]) == (409, "in_use")
    assert Organization.objects.filter(pk=domain.organization_id).exists()


def test_how_much_it_may_send_is_set_and_taken_back(operator: Program, domain: Domain) -> None:
    path = f"organizations/{domain.organization_id}/limits"
    assert operator.patch(path, {"messages_per_day": 50}).json()["messages_per_day"] == 50
    seen = operator.get(path)
    assert seen.json()["messages_per_day"] == 50
    later = operator.patch(path, {"messages_per_hour": 9}, If_Match=seen["ETag"])
    assert (later.status_code, later.json()["messages_per_day"]) == (200, 50)
    assert operator.patch(path, {}, If_Match=seen["ETag"]).status_code == 412
    assert faults(operator.patch(path, {"messages_per_day": 2**40})) == [
        ("/messages_per_day", "max_value")
    ]
    assert faults(operator.patch(path, {"letters": 1})) == [("/letters", "unknown_field")]


def test_what_is_held_is_counted(
    operator: Program,
    reseller: Program,
    domain: Domain,
    other_domain: Domain,
    django_assert_max_num_queries: Any,
) -> None:
    provisioning.add_domain("mirror.test", alias_of="example.test")
    provisioning.add_alias("sales@example.test", ["x@elsewhere.test"])
    ann, _ = provisioning.add_user("ann@example.test", PASSWORD, quota=1_000)
    Usage.objects.update_or_create(user=ann, defaults={"size": 700, "messages": 3})
    Organization.objects.filter(pk=domain.organization_id).update(max_users=7)

    held = reseller.get(f"organizations/{domain.organization_id}/usage").json()
    assert held == {
        "id": domain.organization_id,
        "name": "A",
        "domains": {"held": 2, "most": None},
        # The reseller too; the box for the postmaster takes no place.
        "users": {"held": 2, "most": 7},
        "storage": {"held": held["storage"]["held"], "most": None},
        "used": 700,
        "messages": 3,
    }
    with django_assert_max_num_queries(9):
        assert operator.get("organizations/usage").json()["items"][0] == held
    assert reseller.get("organizations/usage").json()["items"] == [held]

    of_domain = reseller.get(f"domains/{domain.pk}/usage").json()
    assert of_domain == {
        "id": domain.pk,
        "name": "example.test",
        "users": 2,
        "aliases": 1,
        "alias_domains": 1,
        "promised": held["storage"]["held"],
        "used": 700,
        "messages": 3,
    }
    with django_assert_max_num_queries(10):
        listed = operator.get("domains/usage").json()["items"]
    assert [one["name"] for one in listed] == ["example.test", "mirror.test", "other.test"]
    assert listed[0] == of_domain
    assert (listed[2]["users"], listed[2]["used"]) == (0, 0)
    assert len(reseller.get("domains/usage?begins=example").json()["items"]) == 1
