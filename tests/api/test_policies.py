"""Policies: what the filter does, lists, files, rules and the ways that mail takes, set by
programs."""

from typing import Any

import pytest

from apps.audit.models import AuditRecord
from apps.directory.models import Domain, Transport, User
from apps.directory.services import forwards
from apps.provisioning import services as provisioning
from apps.scan.catalogue import RULES
from apps.scan.models import ListEntry, Threshold
from apps.scan.models.policies import NEVER
from tests.api.conftest import Program, faults
from tests.console.conftest import PASSWORD


@pytest.fixture
def carl(domain: Domain) -> User:
    return provisioning.add_user("carl@example.test", PASSWORD)[0]


def test_the_nearest_value_counts(
    operator: Program, admin: Program, domain: Domain, carl: User
) -> None:
    of_domain, of_user = (
        f"policies/domains/{domain.pk}/filter",
        f"policies/users/{carl.pk}/filter",
    )
    assert operator.patch("policies/filter", {"junk": 4, "refuse": 0}).status_code == 200
    assert admin.patch(of_domain, {"junk": 6.5, "is_filtered": False}).status_code == 200
    told = admin.patch(of_user, {"is_filtered": True}).json()

    assert (told["junk"], told["is_filtered"]) == (None, True)
    assert told["counts"] == {
        "junk": 6.5,
        "refuse": 0.0,
        "hold": told["counts"]["hold"],
        "is_filtered": True,
    }
    assert Threshold.objects.get(scope="server").refuse == NEVER
    # Null is what counts more widely; whoever changes some policies reads the installation's.
    assert admin.patch(of_domain, {"junk": None, "is_filtered": None}).json()["counts"]["junk"] == 4
    assert admin.get("policies/filter").json()["junk"] == 4
    assert admin.patch("policies/filter", {"junk": 1}).status_code == 403
    assert list(Threshold.objects.order_by("pk").values_list("scope", flat=True)) == [
        "server",
        f"user {carl.pk}",
    ]


def test_a_change_of_another_state_is_none(admin: Program, domain: Domain) -> None:
    path = f"policies/domains/{domain.pk}/filter"
    seen = admin.get(path)["ETag"]
    assert admin.patch(path, {"junk": 3}, If_Match=seen).status_code == 200
    assert admin.patch(path, {"junk": 4}, If_Match=seen).status_code == 412
    assert faults(admin.patch(path, {"junk": -1, "refuse": 1e9, "hold": "x", "spam": 1})) == [
        ("/spam", "unknown_field")
    ]
    wrong = admin.patch(path, {"junk": -1, "refuse": 1e9, "hold": "x"})
    assert [pointer for pointer, _ in faults(wrong)] == ["/junk", "/refuse", "/hold"]
    # That protects the deliveries of everybody else.
    told = admin.patch(path, {"hold": 9})
    assert (told.status_code, faults(told)) == (403, [("/hold", "not_permitted")])


def test_senders_are_added_all_or_none(admin: Program, domain: Domain) -> None:
    path = f"policies/domains/{domain.pk}/senders"

    def values(query: str = "") -> list[str]:
        return [one["value"] for one in admin.get(f"{path}?{query}").json()["items"]]

    wrong = admin.post(path, {"verb": "block", "senders": ["a.test", "b c", "d.test", "::/0"]})
    assert (wrong.status_code, faults(wrong)) == (
        422,
        [("/senders/1", "invalid_name"), ("/senders/3", "invalid_name")],
    )
    assert values() == []
    told = admin.post(path, {"verb": "block", "senders": ["B@A.test", "192.0.2.0/24"], "note": "x"})
    assert [one["value"] for one in told.json()["items"]] == ["b@a.test", "192.0.2.0/24"]
    told = admin.post(path, {"verb": "allow", "senders": ["b@a.test"]})
    assert told.json()["items"][0]["replaced"] == "block"
    assert values() == ["192.0.2.0/24", "b@a.test"]
    assert values("verb=allow") == values("text=A.TEST") == ["b@a.test"]
    assert values(f"limit=1&cursor={admin.get(f'{path}?limit=1').json()['next']}") == ["b@a.test"]
    assert admin.delete(f"{path}?sender=B@a.test").status_code == 204
    assert admin.delete(f"{path}?sender=B@a.test").status_code == 404
    assert ListEntry.objects.get().domain_id == domain.pk
    assert AuditRecord.objects.filter(action="spam.list", door="api").count() == 4


def test_files_are_named_by_their_sort(operator: Program, admin: Program, domain: Domain) -> None:
    path = f"policies/domains/{domain.pk}/files"
    told = admin.put(path, {"what": "ending", "value": ".EXE", "action": "allow"})
    assert told.json() == {"what": "ending", "value": "exe", "action": "allow"}
    assert admin.get(path).json()["items"] == [told.json()]
    assert {"what": "group", "value": "program", "action": "quarantine"} in admin.get(path).json()[
        "usual"
    ]
    wrong = admin.put(path, {"what": "group", "value": "mischief", "action": "allow"})
    assert faults(wrong) == [("/value", "invalid_name")]
    assert admin.delete(f"{path}?what=ending&value=exe").status_code == 204
    assert admin.delete(f"{path}?what=ending&value=exe").status_code == 404
    assert faults(admin.delete(path)) == [("?what", "required"), ("?value", "required")]
    assert admin.get("policies/files").status_code == 403
    assert operator.put("policies/files", {**told.json(), "action": "junk"}).status_code == 200


def test_rules_count_what_they_are_told(operator: Program) -> None:
    name = next(rule.name for rule in RULES if rule.most is None and "*" not in rule.name)
    assert operator.put(f"policies/rules/{name}", {"points": 2.5}).json()["points"] == 2.5
    assert operator.get("policies/rules").json()["items"][0]["rule"] == name
    assert operator.delete(f"policies/rules/{name}").status_code == 204
    assert operator.delete(f"policies/rules/{name}").status_code == 404
    assert operator.put("policies/rules/NOTHING", {"points": 1}).status_code == 404
    assert operator.put("policies/rules/%00", {"points": 1}).status_code == 404
    assert faults(operator.put(f"policies/rules/{name}", {"points": 101})) == [
        ("/points", "max_value")
    ]


def test_operators_say_what_tls_others_must_have(operator: Program) -> None:
    asked: dict[str, Any] = {"domain": ".Bücher.test", "mode": "verify", "names": ["b.test"]}
    told = operator.put("policies/tls", asked)
    assert told.json() == {**asked, "domain": ".xn--bcher-kva.test"}
    assert operator.get("policies/tls").json()["items"] == [told.json()]
    for body, pointer in (
        ({"domain": "[192.0.2.1]", "mode": "none"}, "/domain"),
        ({"domain": "a.test", "mode": "none", "names": ["b.test"]}, "/names"),
        ({"domain": "a.test", "mode": "verify", "names": ["b c"]}, "/names"),
    ):
        wrong = operator.put("policies/tls", body)
        assert (wrong.status_code, faults(wrong)) == (422, [(pointer, "invalid_name")])
    assert operator.delete("policies/tls?domain=.bücher.test").status_code == 204
    assert operator.delete("policies/tls?domain=.bücher.test").status_code == 404


def test_operators_say_by_which_servers_mail_goes(operator: Program, domain: Domain) -> None:
    body = {
        "scope": "recipient",
        "domain": ".Away.test",
        "host": "smtp.away.test",
        "username": "u",
        "password": "a secret",
    }
    told = operator.put("policies/transports", body)
    assert (told.status_code, told.json()["tls"], told.json()["domain"]) == (
        200,
        "verify",
        ".away.test",
    )
    assert "secret" not in operator.get("policies/transports").content.decode()
    for more, place in (
        ({"scope": "all"}, ("/domain", "invalid_name")),
        ({"scope": "sender", "domain": "other.test"}, ("/domain", "not_found")),
        ({"host": "not a host"}, ("/host", "invalid_name")),
        ({"tls": "none"}, ("/host", "invalid_name")),
        ({"port": 0}, ("/port", "min_value")),
    ):
        wrong = operator.put("policies/transports", {**body, **more})
        assert (wrong.status_code, faults(wrong)) == (422, [place]), more
    assert Transport.objects.count() == 1
    gone = operator.delete("policies/transports?scope=recipient&domain=.away.test")
    assert gone.status_code == 204
    assert operator.delete("policies/transports?scope=all").status_code == 404


def test_where_mail_would_go_is_told_as_far_as_it_is_ones_own(
    operator: Program, admin: Program, carl: User, other_domain: Domain
) -> None:
    eve = provisioning.add_user("eve@other.test", PASSWORD)[0]
    provisioning.add_alias("sales@example.test", [carl.address, eve.address])
    forwards.ask(user=carl, target="me@elsewhere.test", keeps_copy=True)

    def told(asks: Program, address: str) -> dict[str, Any]:
        return dict(asks.get(f"policies/route?address={address}").json())

    hidden = told(admin, "Sales@Example.test")
    assert (hidden["is_told_whole"], hidden["verdict"], hidden["mailboxes"]) == (False, "", [])
    assert [one["rule"] for one in hidden["stops"]] == ["alias", "user", ""]
    whole = told(operator, "sales@example.test")
    assert (whole["verdict"], sorted(whole["mailboxes"])) == (
        "Taken.",
        [carl.address, eve.address],
    )
    for address in ("eve@other.test", "x@nowhere.test"):
        wrong = admin.get(f"policies/route?address={address}")
        assert (wrong.status_code, faults(wrong)) == (400, [("?address", "not_found")])
    assert faults(admin.get("policies/route?address=x")) == [("?address", "invalid_address")]
