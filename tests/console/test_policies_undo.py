"""What operators say of rules, TLS and transports is taken back, unless it was changed since."""

import json
from typing import Any

from django.test import Client

from apps.audit.models import AuditRecord
from apps.console.models import BulkAct
from apps.directory import transports
from apps.directory.models import Domain, Role, Transport, User
from apps.directory.services import roles
from apps.provisioning import services as provisioning
from apps.remote.models import TlsOverride
from apps.scan.models import RulePoints
from tests.console.conftest import browser
from tests.console.test_policies import PAGE, undo_of


def taken_back(client: Client, answered: Any) -> str:
    """Take back what a page says was done; return what is said then."""
    answer = client.post("/admin/undo/", {"act": undo_of(answered.content.decode())}, follow=True)
    return str(answer.content.decode())


def test_what_a_rule_counts_is_taken_back(operator: User) -> None:
    client, path = browser(operator), f"{PAGE}rules/"
    first = client.post(path, {"rule": "GTUBE", "points": "0.1"}, follow=True)
    second = client.post(path, {"rule": "GTUBE", "points": "-3"}, follow=True)
    assert "GTUBE counts what it did." in taken_back(client, second)
    assert RulePoints.objects.get().points == 0.1
    reset = client.post(path, {"rule": "GTUBE", "usual": "1"}, follow=True)
    assert "GTUBE counts what it did." in taken_back(client, reset)
    assert RulePoints.objects.get().points == 0.1
    assert "GTUBE counts what it did." in taken_back(client, first)
    assert RulePoints.objects.count() == 0
    told = [one.detail for one in AuditRecord.objects.filter(action="spam.points")]
    assert len(told) == 6


def test_of_a_rule_what_somebody_has_changed_since_stays(operator: User) -> None:
    client, path = browser(operator), f"{PAGE}rules/"
    made = client.post(path, {"rule": "GTUBE", "points": "1"}, follow=True)
    client.post(path, {"rule": "GTUBE", "points": "2"})
    assert "it stays" in taken_back(client, made)
    assert RulePoints.objects.get().points == 2
    gone = client.post(path, {"rule": "GTUBE", "usual": "1"}, follow=True)
    client.post(path, {"rule": "GTUBE", "points": "7"})
    assert "it stays" in taken_back(client, gone)
    assert RulePoints.objects.get().points == 7


def test_tls_is_taken_back(operator: User) -> None:
    client, path = browser(operator), f"{PAGE}tls/"
    wanted = {"domain": ".Bücher.test", "mode": "verify", "names": "mx.a.test, mx.b.test"}
    first = client.post(path, wanted, follow=True)
    client.post(path, {**wanted, "mode": "none"}, follow=True)  # names go with verify only
    second = client.post(path, {**wanted, "mode": "none", "names": ""}, follow=True)
    assert "is as it was." in taken_back(client, second)
    gone = client.post(path, {"act": "remove", "domain": ".bücher.test"}, follow=True)
    assert ".xn--bcher-kva.test says itself again" in gone.content.decode()
    assert "TLS of mail to .xn--bcher-kva.test is as it was." in taken_back(client, gone)
    row = TlsOverride.objects.get()
    assert (row.domain, row.mode) == (".xn--bcher-kva.test", "verify")
    assert row.names == '["mx.a.test", "mx.b.test"]'
    assert "is as it was." in taken_back(client, first)
    assert TlsOverride.objects.count() == 0
    told = AuditRecord.objects.filter(action__startswith="tlspolicy.")
    assert list(told.order_by("pk").values_list("action", flat=True)) == [
        "tlspolicy.set",
        "tlspolicy.set",
        "tlspolicy.set",
        "tlspolicy.remove",
        "tlspolicy.set",
        "tlspolicy.remove",
    ]


def test_of_tls_what_somebody_has_changed_since_stays(operator: User) -> None:
    client, path = browser(operator), f"{PAGE}tls/"
    made = client.post(path, {"domain": "a.test", "mode": "verify"}, follow=True)
    client.post(path, {"domain": "a.test", "mode": "verify", "names": "mx.a.test"})
    assert "it stays" in taken_back(client, made)
    assert TlsOverride.objects.get().names == '["mx.a.test"]'


def test_a_transport_is_taken_back_with_its_password(operator: User) -> None:
    client, path = browser(operator), f"{PAGE}transports/"
    wanted = {"scope": "recipient", "domain": "Far.test", "host": "relay.test"}
    login = {"tls": "verify", "username": "me", "password": "very-secret-word"}
    first = client.post(path, {**wanted, **login}, follow=True)
    sealed = bytes(Transport.objects.get().secret)
    assert sealed
    other = client.post(path, {**wanted, "host": "other.test"}, follow=True)
    assert "The transport is as it was." in taken_back(client, other)
    gone = client.post(path, {"act": "remove", "scope": "recipient", "domain": "far.test"})
    page = client.get(path)
    assert gone.status_code == 302
    assert "very-secret-word" not in page.content.decode()
    assert "The transport is as it was." in taken_back(client, page)
    row = Transport.objects.get()
    assert (row.host, row.username, row.tls, row.port) == ("relay.test", "me", "verify", 25)
    hop = transports.by_key(transports.key_of(row))
    assert hop is not None
    assert hop.password == "very-secret-word"
    assert "The transport is as it was." in taken_back(client, first)
    assert Transport.objects.count() == 0
    kept = json.dumps([one.before for one in BulkAct.objects.all()])
    assert "very-secret-word" not in kept
    assert not AuditRecord.objects.filter(detail__icontains="secret").exists()


def test_of_a_transport_a_password_that_is_new_since_stays(operator: User) -> None:
    client, path = browser(operator), f"{PAGE}transports/"
    wanted = {"scope": "all", "host": "relay.test", "username": "me", "password": "one"}
    made = client.post(path, wanted, follow=True)
    client.post(path, {**wanted, "password": "two"})
    assert "it stays" in taken_back(client, made)
    hop = transports.by_key(transports.key_of(Transport.objects.get()))
    assert hop is not None
    assert hop.password == "two"


def test_a_transport_from_a_domain_that_is_gone_does_not_come_back(operator: User) -> None:
    client, path = browser(operator), f"{PAGE}transports/"
    provisioning.add_domain("leaving.test", organization="L")
    wanted = {"scope": "sender", "domain": "leaving.test", "host": "relay.test"}
    made = client.post(path, wanted, follow=True)
    gone = client.post(path, {**wanted, "act": "remove"}, follow=True)
    provisioning.remove_domain("leaving.test")
    assert "no domain" in taken_back(client, gone).lower()
    assert "it stays" in taken_back(client, made)
    assert Transport.objects.count() == 0


def test_whoever_is_no_operator_any_more_takes_nothing_back(
    operator: User, admin: User, domain: Domain
) -> None:
    client = browser(operator)
    made = client.post(f"{PAGE}tls/", {"domain": "a.test", "mode": "dane"}, follow=True)
    roles.grant(user=admin, role=Role.OPERATOR)
    roles.grant(user=operator, role=Role.DOMAIN_ADMIN, domain=domain)
    roles.revoke(user=operator, role=Role.OPERATOR)
    client.post("/admin/undo/", {"act": undo_of(made.content.decode())})
    assert TlsOverride.objects.count() == 1


def test_a_smarthost_of_a_domain_is_taken_back(operator: User, domain: Domain) -> None:
    client, path = browser(operator), f"/admin/domains/{domain.pk}/smarthost/"
    wanted = {"host": "one.test", "port": "", "tls": "verify", "username": "u", "password": "pw9"}
    client.post(path, wanted)
    second = client.post(path, {**wanted, "host": "two.test"}, follow=True)
    assert "Mail of this domain goes by that server." in second.content.decode()
    assert "The transport is as it was." in taken_back(client, second)
    assert Transport.objects.get().host == "one.test"
    gone = client.post(path, {"act": "remove"}, follow=True)
    assert Transport.objects.count() == 0
    assert "The transport is as it was." in taken_back(client, gone)
    row = Transport.objects.get()
    hop = transports.by_key(transports.key_of(row))
    assert hop is not None
    assert (row.scope, row.domain, hop.password) == ("sender", "example.test", "pw9")
    client.post(path, {"act": "remove"})
    again = client.post(path, {"act": "remove"}, follow=True)
    assert "There is no transport" in again.content.decode()
    assert AuditRecord.objects.filter(action="transport.set").count() == 4
