"""Files that are imported, as a browser without script sees it."""

import re
from collections.abc import Iterable
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from apps.audit.models import AuditRecord
from apps.console import imports as reading
from apps.console.models import Import, ImportLine, LineState
from apps.console.services import importwork
from apps.console.services.imports import MOST_WAITING
from apps.directory.models import Domain, Role, User, UserState
from apps.directory.services import organizations
from apps.mailstore.models import Usage
from apps.provisioning import services as provisioning
from apps.provisioning.bulk import text
from tests.console.conftest import browser, holder

HEAD = "address,name,quota,password\n"


def csv(lines: Iterable[str], head: str = HEAD) -> SimpleUploadedFile:
    return SimpleUploadedFile("people.csv", (head + "\n".join(lines)).encode(), "text/csv")


def upload(client: Client, file: SimpleUploadedFile, kind: str = "users") -> str:
    """The address of the page of what was sent."""
    answer = client.post("/admin/import/", {"kind": kind, "file": file, "must_change": "1"})
    assert answer.status_code == 302, answer.content.decode()
    return str(answer["Location"])


def refusal(client: Client, octets: bytes, name: str = "people.csv") -> str:
    file = SimpleUploadedFile(name, octets)
    answer = client.post("/admin/import/", {"kind": "users", "file": file})
    assert answer.status_code == 422
    assert not Import.objects.exclude(state="reading").exists()
    found = re.search(r'id="file-error".*?<span>(.*?)</span>', answer.content.decode(), re.S)
    assert found is not None
    return found[1]


def said(client: Client, path: str) -> str:
    answer = client.get(path)
    assert answer.status_code == 200
    return answer.content.decode()


def body(answer: Any) -> str:
    assert answer.status_code == 200
    return b"".join(answer).decode("utf-8-sig")


def wrong() -> dict[int, str]:
    job = Import.objects.order_by("-made_at")[0]
    rows = ImportLine.objects.filter(job=job, state=LineState.WRONG)
    return {row.number: reading.sentence(job, row) for row in rows}


@pytest.mark.parametrize(
    "good", [40, pytest.param(980, marks=[pytest.mark.long, pytest.mark.timeout(900)])]
)
def test_many_users_with_twenty_bad_lines(admin: User, good: int) -> None:
    client = browser(admin)
    lines = [f"user{number}@example.test,User {number},," for number in range(good)]
    for number in range(20):
        lines.insert(number * (good // 20), f"bad{number}@nowhere.test,Bad {number},,")
    page = upload(client, csv(lines))

    assert f"Add the {good} good ones" in said(client, page)
    assert User.objects.count() == 2  # the administrator and the domain's own box
    assert client.post(f"{page}start/").status_code == 302
    assert f"0 of {good} lines are done" in said(client, page)
    while importwork.work(60):
        pass

    shown = said(client, page)
    assert f"{good} of {good} users" in shown
    assert "data-fresh" not in shown
    assert User.objects.filter(key__startswith="user").count() == good
    passwords = body(client.get(f"{page}added/")).splitlines()
    assert len(passwords) == good + 1
    one = User.objects.get(key="user7@example.test")
    assert one.must_change_password
    last = passwords[8].split(",")[-1].strip('"')
    assert passwords[8].startswith('"user7@example.test"')
    assert one.check_password(last)
    mend = body(client.get(f"{page}wrong/"))
    assert mend.count("The domain nowhere.test is not hosted here") == 20
    assert AuditRecord.objects.filter(action="user.add", actor_id=admin.pk).count() == good


def test_each_wrong_line_is_told_with_its_column(
    admin: User, alice: User, other_domain: Domain
) -> None:
    provisioning.add_alias("sales@example.test", ["alice@example.test"])
    page = upload(
        browser(admin),
        csv(
            [
                "new@example.test,New,5 GB,a long enough phrase",
                "new@EXAMPLE.test,Again,,",
                "alice@example.test,,,",
                "sales@example.test,,,",
                "x@other.test,,,",
                "x@nowhere.test,,,",
                "no address,,,",
                ",Nobody,,",
                "a+b@example.test,,,",
                "q@example.test,,lots,",
                "p@example.test,,,short",
                "n@example.test,Two\u2028lines,,",
                "t@example.test,a,b,c,d",
            ]
        ),
    )

    told = wrong()
    assert told[3] == "Address: Line 2 has the same."
    assert told[5] == "Address: An alias has this address already."
    assert told[6] == "Address: The domain other.test is not hosted here."
    assert told[7] == "Address: The domain nowhere.test is not hosted here."
    assert told[8].startswith("Address: Not a usable address")
    assert told[9] == "Address: It is empty."
    assert told[10] == "Address: A user's address here has no + in it."
    assert told[11] == "Space: Write space as 5 GB, 500 MB, or a number of bytes."
    assert told[12].startswith("Password: This password is too short")
    assert told[13].startswith("Name: ")
    assert told[14].startswith("It has 5 cells")
    job = Import.objects.get()
    assert (job.good, job.wrong, job.there) == (1, 11, 1)
    assert page.endswith(f"{job.pk}/")


def test_what_an_organisation_may_hold_is_counted(admin: User, domain: Domain) -> None:
    organizations.set_limits(
        organization_id=domain.organization_id, max_users=3, max_storage=12 << 30
    )
    User.objects.filter(pk=admin.pk).update(quota=1 << 30)
    upload(
        browser(admin),
        csv(
            [
                "a@example.test,,8 GB,",
                "b@example.test,,5 GB,",
                "c@example.test,,unlimited,",
                "d@example.test,,1 GB,",
                "e@example.test,,1 GB,",
            ]
        ),
    )
    assert wrong() == {
        3: "Space: More than the organisation has left to give, 3 GB.",
        4: "Space: The organisation's space is limited: a size is needed.",
        6: "The organisation has all the users it may have (3).",
    }


def test_what_cannot_be_read_gets_one_sentence(admin: User, domain: Domain) -> None:
    client = browser(admin)
    assert refusal(client, b"PK\x03\x04 workbook", "people.xlsx").startswith("This is not a CSV")
    assert refusal(client, b"address\nx\0y").startswith("This is not a CSV")
    assert refusal(client, b'address,name\nx,"open\n').startswith("Line 2: a quote begins")
    assert refusal(client, b"address\n" + b"x\n" * 10_001).startswith("A file has up to 10,000")
    assert refusal(client, b"address,e-mail\nx,y\n").startswith("Two columns")
    assert refusal(client, b"who,what\nx,y\n").startswith("The first line has to name")
    assert refusal(client, b"x" * (text.LARGEST + 1)).startswith("A file has up to 5 MB")
    refusal(client, b"")
    empty = client.post("/admin/import/", {"kind": "users"})
    assert empty.status_code == 422
    assert client.post("/admin/import/", {"kind": "keys", "pasted": "a"}).status_code == 422


def test_names_are_never_read_as_anything_else(admin: User, domain: Domain) -> None:
    client = browser(admin)
    hostile = "<script>alert(1)</script> {{7*7}} %s"
    page = upload(client, csv([f"m@example.test,{hostile},,", f"{hostile}@nowhere.test,=1+1,,"]))

    shown = said(client, page)
    assert "<script>alert" not in shown
    assert "&lt;script&gt;alert(1)&lt;/script&gt; {{7*7}} %s" in shown
    mend = body(client.get(f"{page}wrong/"))
    assert '"\'=1+1"' in mend


def test_a_page_costs_the_same_for_few_and_for_many(
    admin: User, domain: Domain, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    client = browser(admin)
    few = upload(client, csv([f"u{n}@nowhere.test,,," for n in range(3)]))
    many = upload(client, csv([f"u{n}@nowhere{n}.test,,," for n in range(2_000)]))
    said(client, few)
    with django_assert_num_queries(14):
        said(client, few)
    with django_assert_num_queries(14):
        page = said(client, many)
    assert "after=51" in page
    assert "From line 52 to 101" in said(client, f"{many}?after=51")
    assert client.get(f"{many}?after=x").status_code == 404


def test_an_import_is_its_owners_alone(admin: User, operator: User, domain: Domain) -> None:
    page = upload(browser(admin), csv(["a@example.test,,,"]))
    other = browser(holder("second@example.test", Role.DOMAIN_ADMIN, domain))
    for client in (other, browser(operator)):
        for path in ("", "wrong/", "added/"):
            assert client.get(f"{page}{path}").status_code == 404
        for path in ("start/", "cancel/", "undo/"):
            assert client.post(f"{page}{path}").status_code == 404
        assert "people.csv" not in said(client, "/admin/import/")


def test_begun_twice_from_two_tabs_it_runs_once(admin: User, domain: Domain) -> None:
    client = browser(admin)
    page = upload(client, csv(["a@example.test,,,"]))
    for _ in range(2):
        assert client.post(f"{page}start/").status_code == 302
    importwork.work()
    assert client.post(f"{page}start/").status_code == 302
    assert not importwork.work()
    assert AuditRecord.objects.filter(action="import.start").count() == 1


def test_it_asks_for_the_password_again(admin: User, domain: Domain) -> None:
    client = browser(admin)
    page = upload(client, csv(["a@example.test,,,"]))
    late = browser(admin, proved=False)
    answer = late.post(f"{page}start/")
    assert answer["Location"].startswith("/login/confirm/?next=%2Fadmin%2Fimport%2F")
    assert Import.objects.get().state == "ready"
    for path in ("/admin/import/", f"{page}wrong/", f"{page}added/"):
        assert late.get(path, headers={"accept": "text/html"}).status_code == 302


def test_a_helpdesk_brings_users_but_no_space_and_no_aliases(
    helpdesk: User, domain: Domain
) -> None:
    client = browser(helpdesk)
    upload(client, csv(["a@example.test,,,", "b@example.test,,1 GB,", "abuse@example.test,,,"]))
    told = wrong()
    assert told[3].startswith("Space: Your role does not let you")
    assert told[4].startswith("Your role does not let you")
    refused = client.post("/admin/import/", {"kind": "aliases", "pasted": "alias,to\n"})
    assert refused.status_code == 422


def test_files_that_wait_are_few(admin: User, domain: Domain) -> None:
    client = browser(admin)
    pages = [upload(client, csv([f"a{n}@example.test,,,"])) for n in range(MOST_WAITING + 2)]
    assert Import.objects.count() == MOST_WAITING
    assert client.get(pages[0]).status_code == 404
    assert client.post(f"{pages[-1]}cancel/").status_code == 302
    assert client.get(pages[-1]).status_code == 404


def test_it_is_taken_back_but_for_who_is_in_use(admin: User, domain: Domain) -> None:
    client = browser(admin)
    page = upload(client, csv([f"a{n}@example.test,,," for n in range(3)]))
    client.post(f"{page}start/")
    importwork.work()
    used = User.objects.get(key="a1@example.test")
    Usage.objects.filter(user=used).update(messages=1)

    assert client.post(f"{page}undo/", {"typed": "yes"}).status_code == 422
    assert client.post(f"{page}undo/", {"typed": "3"}).status_code == 302
    importwork.work()

    shown = said(client, page)
    assert "2 are removed again, 1 is in use and stays" in shown
    assert "There is mail in it" in shown
    states = User.objects.filter(address__startswith="a").values_list("address", "state")
    assert dict(states)["a0@example.test"] == UserState.REMOVED
    assert dict(states)["a1@example.test"] == UserState.ACTIVE
    assert not ImportLine.objects.filter(secret__isnull=False).exists()


def test_aliases_and_groups(admin: User, alice: User) -> None:
    client = browser(admin)
    head = "alias;members\n"
    lines = [
        "team@example.test;alice@example.test, x@elsewhere.test",
        "'@example.test;alice@example.test",
        "alice@example.test;x@elsewhere.test",
        "none@example.test;",
        "x@other.test;x@elsewhere.test",
    ]
    page = upload(client, csv(lines, head), "aliases")
    assert wrong() == {
        4: "Address: A user has this address already.",
        5: "Targets: An alias has at least one target.",
        6: "Address: The domain other.test is not hosted here.",
    }
    client.post(f"{page}start/")
    importwork.work()
    assert "2 of 2 aliases" in said(client, page)
    again = upload(client, csv(lines[:2], head), "aliases")
    assert "There is nothing to add in it" in said(client, again)


def test_domains(operator: User, domain: Domain, other_domain: Domain) -> None:
    reseller = holder("seller@example.test", Role.RESELLER, domain.organization)
    client = browser(reseller)
    lines = ["new.test,", "example.test,", "other.test,", "mirror.test,example.test", "x,"]
    page = upload(client, csv(lines, "domain,alias of\n"), "domains")
    told = wrong()
    assert told[4] == "Domain: The domain other.test cannot be added: ask who runs this service."
    assert told[6].startswith("Domain: ")
    client.post(f"{page}start/")
    importwork.work(30)
    assert "2 of 2 domains" in said(client, page)
    names = domain.organization.domains.values_list("name", flat=True)
    assert {"new.test", "mirror.test"} <= set(names)
