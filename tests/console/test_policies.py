"""The pages of policies: what is shown, what a form would change, and what is done in the end."""

import re
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from apps.audit.models import AuditRecord
from apps.console.policies import changes, standing
from apps.console.policies.places import EVERYWHERE, Place
from apps.directory.models import Domain, Organization, Role, SendLimit, User
from apps.directory.permissions import powers_of
from apps.provisioning import services as provisioning
from apps.remote.models import TlsOverride
from apps.scan import queries
from apps.scan.models import AttachmentPolicy, RulePoints, Threshold
from apps.scan.models.policies import NEVER
from apps.scan.scopes import SERVER, Scope
from apps.scan.services import thresholds
from apps.scan.services.thresholds import Change
from tests.console.conftest import browser, holder

PAGE = "/admin/policies/"
HUGE = ["9" * 400, "1e309", "nan", "-1", "0", "x" * 5_000, "%s", "1001", "٣"]


def save(client: Client, path: str, **fields: str) -> str:
    """Send a form, and confirm what the review shows; return the review."""
    review = client.post(path, fields)
    assert review.status_code == 200, review.status_code
    page: str = review.content.decode()
    assert "Review what will change" in page
    done = client.post(path, {**fields, "confirm": "1", "seen": review.context["seen"]})
    assert done.status_code == 302, done.status_code
    return page


def undo_of(page: str) -> Any:
    """The last act that the page offers to take back."""
    return re.findall(r'name="act" value="([0-9a-f-]{36})"', page)[-1]


def limits(domain: Domain) -> tuple[float | None, ...]:
    found = queries.limits(Scope(domain_id=domain.pk))
    return found.junk, found.refuse, found.hold


def test_a_change_is_reviewed_before_it_is_done(operator: User, domain: Domain) -> None:
    client = browser(operator)

    review = client.post(PAGE, {"refuse": "12"}).content.decode()
    assert Threshold.objects.count() == 0
    assert "affects 1 domain" in review
    assert ">15<" in review
    assert ">12<" in review

    save(client, PAGE, refuse="12")
    assert queries.limits(SERVER).refuse == 12
    assert AuditRecord.objects.filter(action="spam.threshold").count() == 1
    page = client.get(PAGE).content.decode()
    assert "1 policy is changed." in page
    assert "changed here" in page


def test_it_is_taken_back(operator: User) -> None:
    client = browser(operator)
    save(client, PAGE, refuse="12", junk="4,5")
    act = undo_of(client.get(PAGE).content.decode())
    client.post("/admin/undo/", {"act": act, "next": PAGE})

    assert queries.limits(SERVER).refuse is None
    assert queries.limits(SERVER).junk is None


def test_what_somebody_changed_since_is_not_taken_back(operator: User) -> None:
    client = browser(operator)
    save(client, PAGE, refuse="12", junk="4")
    act = undo_of(client.get(PAGE).content.decode())
    thresholds.change(SERVER, Change(junk=3.0))
    client.post("/admin/undo/", {"act": act, "next": PAGE})

    assert (queries.limits(SERVER).refuse, queries.limits(SERVER).junk) == (None, 3)


def test_what_was_reviewed_is_what_is_done(operator: User) -> None:
    client = browser(operator)
    review = client.post(PAGE, {"junk": "4"})
    thresholds.change(SERVER, Change(junk=8.0))

    again = client.post(PAGE, {"junk": "4", "confirm": "1", "seen": review.context["seen"]})

    assert "Somebody has changed the same meanwhile" in again.content.decode()
    assert queries.limits(SERVER).junk == 8
    again = client.post(PAGE, {"junk": "4", "confirm": "1", "seen": again.context["seen"]})
    assert queries.limits(SERVER).junk == 4


@pytest.mark.parametrize("text", HUGE)
def test_an_error_stands_beside_its_field(operator: User, text: str) -> None:
    answer = browser(operator).post(PAGE, {"junk": text, "refuse": "7"})

    assert answer.status_code == 422
    page = answer.content.decode()
    assert 'id="f-junk-error"' in page
    assert 'id="f-refuse-error"' not in page
    assert 'value="7"' in page
    assert Threshold.objects.count() == 0


def test_the_wider_value_is_shown_and_gone_back_to(
    operator: User, admin: User, domain: Domain
) -> None:
    thresholds.change(SERVER, Change(junk=6.5))
    client, path = browser(admin), f"{PAGE}{domain.pk}/"
    page = client.get(path).content.decode()
    assert 'placeholder="6.5"' in page
    assert "from the installation" in page

    save(client, path, junk="4", refuse="never")
    assert limits(domain) == (4, NEVER, None)
    assert "Reset to 6.5" in client.get(path).content.decode()

    save(client, path, reset="junk")
    assert limits(domain) == (None, NEVER, None)
    save(client, path, refuse="")
    assert Threshold.objects.filter(domain=domain).count() == 0


def test_filtering_is_switched(admin: User, domain: Domain) -> None:
    client, path = browser(admin), f"{PAGE}{domain.pk}/"
    save(client, path, filter="off")
    assert queries.limits(Scope(domain_id=domain.pk)).is_off is True
    save(client, path, filter="on")
    assert queries.limits(Scope(domain_id=domain.pk)).is_off is False
    assert client.post(path, {"filter": "perhaps"}).status_code == 422
    save(client, path, filter="")
    assert queries.limits(Scope(domain_id=domain.pk)).is_off is None


def test_no_change_is_no_review(operator: User) -> None:
    client = browser(operator)

    assert client.post(PAGE, {}).status_code == 302
    assert "Nothing is changed" in client.get(PAGE).content.decode()


def test_a_tenant_does_not_let_out_what_is_held(
    admin: User, operator: User, domain: Domain
) -> None:
    path = f"{PAGE}{domain.pk}/"
    assert browser(admin).post(path, {"hold": "never"}).status_code == 302  # nothing changed
    assert limits(domain) == (None, None, None)

    save(browser(operator), path, hold="never")
    assert limits(domain) == (None, None, NEVER)


def test_a_tenant_only_reads_what_holds_everywhere(admin: User, operator: User) -> None:
    client = browser(admin)
    page = client.get(PAGE).content.decode()
    assert 'name="junk"' not in page
    assert "MESSAGE_SIZE_LIMIT" not in page
    assert "MESSAGE_SIZE_LIMIT" in browser(operator).get(PAGE).content.decode()
    assert client.post(PAGE, {"junk": "1"}).status_code == 403
    for name in ("lists/", "files/", "rules/", "tls/", "transports/", "lists/export/"):
        assert client.get(PAGE + name).status_code == 404


def test_another_tenant_is_not_there(admin: User, other_domain: Domain, eve: User) -> None:
    client = browser(admin)
    for path in (f"{other_domain.pk}/", f"{other_domain.pk}/lists/", f"users/{eve.pk}/"):
        assert client.get(PAGE + path).status_code == 404
    answer = client.get(PAGE, {"domain": other_domain.name})
    nowhere = client.get(PAGE, {"domain": "nowhere.test"})
    assert answer.status_code == nowhere.status_code == 404
    assert "The domain other.test is not hosted here." in answer.content.decode()
    assert "The domain nowhere.test is not hosted here." in nowhere.content.decode()


def test_the_scope_is_switched(admin: User, domain: Domain) -> None:
    answer = browser(admin).get(PAGE, {"domain": " Example.TEST "})
    assert answer.headers["Location"] == f"{PAGE}{domain.pk}/"
    for text in ("\0", "[1.2.3.4]", "x" * 9_000, "%s", "ü" * 300):
        assert browser(admin).get(PAGE, {"domain": text}).status_code in {200, 404}


def test_an_alias_domain_has_the_policies_of_the_other(operator: User, domain: Domain) -> None:
    alias = provisioning.add_domain("alias.test", alias_of=domain.name)
    client = browser(operator)

    answer = client.post(f"{PAGE}{alias.pk}/", {"junk": "1"})
    assert answer.headers["Location"] == f"{PAGE}{domain.pk}/"
    assert client.get(f"{PAGE}{alias.pk}/lists/").status_code == 404
    assert Threshold.objects.count() == 0


def test_a_user_has_limits(operator: User, admin: User, alice: User) -> None:
    path = f"{PAGE}users/{alice.pk}/"
    assert browser(admin).post(path, {"messages_per_hour": "9"}).status_code == 302
    assert SendLimit.objects.count() == 0

    save(browser(operator), path, messages_per_hour="9", recipients_per_message="0")
    row = SendLimit.objects.get(user=alice)
    assert (row.messages_per_hour, row.recipients_per_message, row.messages_per_day) == (9, 0, None)
    for text in ("1001", "-1", "1.5", "9" * 5_000, "never"):
        answer = browser(operator).post(path, {"recipients_per_message": text})
        assert answer.status_code == 422
    save(browser(operator), path, reset="messages_per_hour")
    assert SendLimit.objects.get(user=alice).messages_per_hour is None


def test_who_reaches_further_is_left_alone(admin: User, domain: Domain) -> None:
    boss = holder("boss@example.test", Role.RESELLER, Organization.objects.get(name="A"))
    client, path = browser(admin), f"{PAGE}users/{boss.pk}/"
    review = client.post(path, {"junk": "1"})
    answer = client.post(path, {"junk": "1", "confirm": "1", "seen": review.context["seen"]})

    assert answer.status_code == 403
    assert "reach further than yours" in answer.content.decode()


def test_whom_a_change_touches(operator: User, domain: Domain, other_domain: Domain) -> None:
    for name in ("a@example.test", "b@example.test", "c@other.test"):
        provisioning.add_user(name, "correct horse battery")
    thresholds.change(Scope(domain_id=other_domain.pk), Change(junk=3.0))
    standings = standing.of_place(EVERYWHERE, EVERYWHERE.rights(powers_of(operator)))

    junk, refuse = changes.differences(EVERYWHERE, standings, {"junk": 4.0, "refuse": 9.0})
    assert junk.domains == 1
    assert refuse.domains == 2
    assert refuse.users - junk.users == User.objects.filter(domain=other_domain).count()


def test_no_domain_more_costs_more(operator: User, domain: Domain) -> None:
    client = browser(operator)
    client.get(PAGE)

    with CaptureQueriesContext(connection) as few:
        client.get(PAGE)
    for number in range(30):
        provisioning.add_domain(f"d{number}.test", organization="A")
    with CaptureQueriesContext(connection) as many:
        client.get(PAGE)
    assert len(many) == len(few)


def test_files(admin: User, operator: User, domain: Domain) -> None:
    client, path = browser(admin), f"{PAGE}{domain.pk}/files/"
    answer = client.post(path, {"group-program": "refuse", "condition-macros": ""}, follow=True)
    assert "What is done with files is changed." in answer.content.decode()
    assert list(AttachmentPolicy.objects.values_list("what", "value", "action")) == [
        ("group", "program", "refuse")
    ]
    added = {"act": "add", "what": "ending", "action": "allow", "values": ".EXE, iso\n\nbat"}
    page = client.post(path, added, follow=True).content.decode()
    assert AttachmentPolicy.objects.filter(what="ending", action="allow").count() == 3
    client.post("/admin/undo/", {"act": undo_of(page)})
    assert AttachmentPolicy.objects.filter(what="ending").count() == 0
    client.post(path, added)
    client.post(path, {"act": "remove", "id": ["ending exe", "ending iso", "group program", "x"]})
    assert set(AttachmentPolicy.objects.values_list("value", flat=True)) == {"bat", "program"}
    client.post(path, {"group-program": ""})
    assert set(AttachmentPolicy.objects.values_list("value", flat=True)) == {"bat"}


def test_of_files_what_somebody_has_said_since_stays(admin: User, domain: Domain) -> None:
    client, path = browser(admin), f"{PAGE}{domain.pk}/files/"
    page = client.post(path, {"group-program": "allow"}, follow=True).content.decode()
    client.post(path, {"group-program": "refuse"})
    page = client.post("/admin/undo/", {"act": undo_of(page)}, follow=True).content.decode()
    assert AttachmentPolicy.objects.get().action == "refuse"
    assert "Somebody has changed that since; it stays." in page


def test_files_that_cannot_be(admin: User, domain: Domain) -> None:
    client, path = browser(admin), f"{PAGE}{domain.pk}/files/"
    for values in ("e xe", "a/b\\c", "x" * 50_000, "%s", "<script>"):
        added = {"act": "add", "what": "ending", "action": "allow", "values": f"ok\n{values}"}
        answer = client.post(path, added)
        assert answer.status_code in {302, 422}
        if answer.status_code == 422:
            assert "is no ending" in answer.content.decode()
            assert not AttachmentPolicy.objects.filter(value="ok").exists()
        AttachmentPolicy.objects.all().delete()
    assert client.post(path, {"group-program": "explode"}).status_code == 422
    assert client.post(path, {"act": "add", "what": "colour"}).status_code == 404


def test_rules(operator: User) -> None:
    client, path = browser(operator), f"{PAGE}rules/"
    rule = queries.rule_points()[0].rule
    assert client.post(path, {"rule": rule, "points": "1,5"}).status_code == 302
    assert RulePoints.objects.get().points == 1.5
    assert "changed here" in client.get(path, {"text": rule.lower()}).content.decode()
    for points in ("x", "nan", "1e9", "", "9" * 999):
        assert client.post(path, {"rule": rule, "points": points}).status_code == 422
    assert client.post(path, {"rule": "<b>%s", "points": "1"}).status_code == 404
    assert client.post(path, {"rule": rule, "usual": "1"}).status_code == 302
    assert RulePoints.objects.count() == 0


def test_tls(operator: User) -> None:
    client, path = browser(operator), f"{PAGE}tls/"
    wanted = {"domain": ".Bücher.test", "mode": "verify", "names": "mx.a.test, mx.b.test"}
    assert client.post(path, wanted).status_code == 302
    assert TlsOverride.objects.get().domain == ".xn--bcher-kva.test"
    assert (
        client.post(path, {"domain": "a.test", "mode": "dane", "names": "x.y"}).status_code == 422
    )
    for text in ("", "[1.2.3.4]", "a b", "x" * 9_000, "\x1b[31m.test", "..", "%s"):
        answer = client.post(path, {"domain": text, "mode": "encrypt"})
        assert answer.status_code == 422, text
        assert "is no domain name" in answer.content.decode()
    gone = {"act": "remove", "domain": ".xn--bcher-kva.test"}
    assert client.post(path, gone).status_code == 302
    assert client.post(path, gone).status_code == 404
    assert TlsOverride.objects.count() == 0


def test_transports(operator: User) -> None:
    client, path = browser(operator), f"{PAGE}transports/"
    wanted = {
        "scope": "recipient",
        "domain": "far.test",
        "host": "relay.test",
        "tls": "verify",
        "username": "me",
        "password": "very-secret-word",
    }
    assert client.post(path, wanted).status_code == 302
    page = client.get(path).content.decode()
    assert "smtp:relay.test:25" in page
    assert "very-secret-word" not in page
    assert not AuditRecord.objects.filter(detail__icontains="very-secret").exists()
    refused = client.post(path, {**wanted, "tls": "none"})
    assert refused.status_code == 422
    assert "very-secret-word" not in refused.content.decode()
    for port in ("0", "70000", "x", "-1"):
        assert client.post(path, {**wanted, "port": port}).status_code == 422
    gone = {"act": "remove", "scope": "recipient", "domain": "far.test"}
    assert client.post(path, gone).status_code == 302
    assert client.post(path, gone).status_code == 404


def test_transports_want_a_fresh_proof(operator: User) -> None:
    answer = browser(operator, proved=False).get(f"{PAGE}transports/")
    assert answer.status_code == 302
    assert "confirm" in answer.headers["Location"]


def test_a_place_says_where_it_is(domain: Domain, alice: User) -> None:
    assert EVERYWHERE.url == PAGE
    assert Place(domain=domain).url == f"{PAGE}{domain.pk}/"
    assert Place(user=alice).name == str(alice)
