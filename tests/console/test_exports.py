"""Lists as files."""

import csv
import io

import pytest
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from apps.audit.models import AuditRecord
from apps.console import exporting
from apps.console.models import ImportKind
from apps.console.services import imports, importwork
from apps.directory.models import Domain, Role, User
from apps.directory.permissions import powers_of
from apps.provisioning import services as provisioning
from apps.runtime import keyset
from tests.console.conftest import PASSWORD, browser, holder


def rows(client: Client, query: str) -> list[dict[str, str]]:
    answer = client.get(f"/admin/export/?{query}")
    assert answer.status_code == 200
    assert answer["Content-Type"] == "text/csv; charset=utf-8"
    assert answer["Content-Disposition"].startswith('attachment; filename="')
    octets = b"".join(answer)
    assert octets.startswith(b"\xef\xbb\xbf")
    return list(csv.DictReader(io.StringIO(octets.decode("utf-8-sig"), newline="")))


def test_only_what_is_in_sight_and_no_secret(admin: User, alice: User, eve: User) -> None:
    found = rows(browser(admin), "kind=users")
    assert {row["Address"] for row in found} == {
        "admin@example.test",
        "alice@example.test",
        "postmaster@example.test",
    }
    assert alice.password not in str(found)
    record = AuditRecord.objects.get(action="directory.export")
    assert (record.actor, record.subject) == ("admin@example.test", "users")


def test_the_filters_of_the_lists(admin: User, alice: User) -> None:
    provisioning.add_alias("sales@example.test", ["alice@example.test"])
    client = browser(admin)
    assert [row["Name"] for row in rows(client, "kind=users&text=alice")] == ["Alice Archer"]
    assert [row["Kind"] for row in rows(client, "kind=users&kind=shared")] == ["shared"]
    assert [row["Address"] for row in rows(client, "kind=aliases&text=sales")] == [
        "sales@example.test"
    ]
    assert rows(client, "kind=aliases&text=other") == []
    assert [row["Domain"] for row in rows(client, "kind=domains")] == ["example.test"]
    rows(client, "kind=users&text=%00%ff&after=zzz&sort=x")


def test_no_cell_is_a_formula_and_an_import_reads_it_again(admin: User, domain: Domain) -> None:
    for number, name in enumerate(["=1+1", "+49", "-x", "@y", "'=z", "O'Neil", 'a"b,c;d']):
        provisioning.add_user(f"f{number}@example.test", PASSWORD, name)
    client = browser(admin)
    answer = client.get("/admin/export/?kind=users&text=f")
    octets = b"".join(answer)
    cells = csv.reader(io.StringIO(octets.decode("utf-8-sig"), newline=""))
    assert all(cell[:1] not in set("=+-@\t\r") for row in cells for cell in row)
    before = dict(User.objects.filter(key__startswith="f").values_list("key", "name"))
    for key in before:
        provisioning.remove_user(key)

    job = imports.take(
        user=admin,
        powers=powers_of(admin),
        kind=ImportKind.USERS,
        octets=octets,
        file_name="",
        must_change=True,
    )
    assert (job.good, job.wrong) == (len(before), 0)
    imports.start(user=admin, job_id=job.pk, address="")
    importwork.work(60)
    living = User.objects.living().filter(key__startswith="f")
    assert dict(living.values_list("key", "name")) == before


def test_the_audit_log_is_for_who_reads_it(admin: User, helpdesk: User, domain: Domain) -> None:
    assert rows(browser(admin), "kind=audit")[0]["What"]
    assert browser(helpdesk).get("/admin/export/?kind=audit").status_code == 404
    assert AuditRecord.objects.filter(action="audit.export").count() == 1


@pytest.mark.parametrize("query", ["", "kind=", "kind=keys", "kind=users%00"])
def test_no_such_list(admin: User, domain: Domain, query: str) -> None:
    assert browser(admin).get(f"/admin/export/?{query}").status_code == 404


def test_templates(admin: User, domain: Domain) -> None:
    client = browser(admin)
    for kind in ("users", "aliases", "domains"):
        answer = client.get(f"/admin/import/template/?kind={kind}")
        assert answer.status_code == 200
        assert len(b"".join(answer).splitlines()) == 2
    assert client.get("/admin/import/template/?kind=x").status_code == 404


@pytest.mark.parametrize("kind", ["users", "aliases", "domains"])
def test_statements_are_by_the_hundred(
    domain: Domain,
    kind: str,
    monkeypatch: pytest.MonkeyPatch,
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    for number in range(6):
        provisioning.add_domain(f"d{number}.test", organization="A")
        provisioning.add_user(f"u{number}@example.test", PASSWORD)
        provisioning.add_alias(f"a{number}@example.test", ["u1@example.test", "x@y.test"])

    powers = powers_of(holder("seller@example.test", Role.RESELLER, domain.organization))
    with django_assert_num_queries(1 if kind == "users" else 2):
        whole = list(exporting.EXPORTS[kind].rows(powers, {}))
    monkeypatch.setattr(keyset, "BATCH", 2)
    assert list(exporting.EXPORTS[kind].rows(powers, {})) == whole
    assert len(whole) >= 6


def test_that_the_audit_log_was_taken_along_is_said_once(operator: User) -> None:
    client = browser(operator)
    assert client.get("/admin/export/?kind=audit").status_code == 200
    page = client.get("/admin/audit/").content.decode()

    assert "exported the audit log</bdi>" in page
