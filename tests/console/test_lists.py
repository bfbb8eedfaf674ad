"""Lists of allowed and blocked senders in the console."""

import csv
import io
from urllib.parse import urlencode

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from apps.audit.models import AuditRecord
from apps.console import paging
from apps.directory.models import Domain, User
from apps.scan.models import EntryKind, ListEntry, Verb
from apps.scan.scopes import SERVER, Scope
from apps.scan.services import lists
from tests.console.conftest import browser
from tests.console.test_policies import undo_of

PAGE = "/admin/policies/lists/"
WILD = "=1+1;<script>alert(1)</script>\x1b[31m\u202egnp{{7*7}}%s"


def page_of(domain: Domain) -> str:
    return f"/admin/policies/{domain.pk}/lists/"


def added(lines: str, **more: str) -> dict[str, str]:
    return {"act": "add", "verb": "block", "senders": lines, **more}


def values() -> set[tuple[str, str]]:
    return set(ListEntry.objects.values_list("verb", "value"))


def test_several_lines_at_once(admin: User, domain: Domain) -> None:
    client, path = browser(admin), page_of(domain)

    page = client.post(
        path, added("Bob@Far.test\n\n far.test \n192.0.2.0/24", note="too loud"), follow=True
    ).content.decode()

    assert values() == {
        ("block", "bob@far.test"),
        ("block", "far.test"),
        ("block", "192.0.2.0/24"),
    }
    assert "3 senders are blocked now." in page
    assert page.count("too loud") == 3
    assert AuditRecord.objects.filter(action="spam.list", domain_id=domain.pk).count() == 3


def test_each_wrong_line_is_named_and_nothing_is_added(admin: User, domain: Domain) -> None:
    answer = browser(admin).post(
        page_of(domain), added("good.test\n<b>bad\nalso good.test\n0.0.0.0/0")
    )

    page = answer.content.decode()
    assert answer.status_code == 422
    assert ListEntry.objects.count() == 0
    assert AuditRecord.objects.filter(action="spam.list").count() == 0
    assert "Line 2" in page
    assert "Line 3" in page
    assert "Line 4" in page
    assert "Line 1:" not in page
    assert "<b>bad" not in page
    assert "good.test\n" in page  # what was written is still there


def test_removing_is_taken_back_with_its_note(admin: User, domain: Domain) -> None:
    client, path = browser(admin), page_of(domain)
    client.post(path, added("a.test\nb.test\nc.test", note="why"))

    page = client.post(
        path, {"act": "remove", "id": ["a.test", "b.test", "nobody.test"]}, follow=True
    ).content.decode()
    assert values() == {("block", "c.test")}
    assert "2 senders are removed." in page

    client.post("/admin/undo/", {"act": undo_of(page)})
    assert len(values()) == 3
    assert set(ListEntry.objects.values_list("note", flat=True)) == {"why"}


def test_adding_is_taken_back_to_what_was_said_before(admin: User, domain: Domain) -> None:
    client, path = browser(admin), page_of(domain)
    client.post(path, added("a.test", verb="allow", note="a friend"))
    page = client.post(path, added("a.test\nnew.test"), follow=True).content.decode()

    client.post("/admin/undo/", {"act": undo_of(page)})

    assert values() == {("allow", "a.test")}
    assert ListEntry.objects.get().note == "a friend"


def test_what_somebody_has_said_since_stays(admin: User, domain: Domain) -> None:
    client, path = browser(admin), page_of(domain)
    page = client.post(path, added("a.test\nb.test"), follow=True).content.decode()
    lists.add(Verb.ALLOW, "a.test", Scope(domain_id=domain.pk), note="a friend after all")

    page = client.post("/admin/undo/", {"act": undo_of(page)}, follow=True).content.decode()
    assert values() == {("allow", "a.test")}
    assert ListEntry.objects.get().note == "a friend after all"
    assert "1 of 2 are as before. Somebody has changed that since; it stays." in page


def test_removing_nothing_says_so(admin: User, domain: Domain) -> None:
    page = browser(admin).post(page_of(domain), {"act": "remove"}, follow=True).content.decode()
    assert "No sender was removed" in page


@pytest.mark.parametrize(
    "fields",
    [
        {"senders": ""},
        {"senders": "a.test", "verb": "hug"},
        {"senders": "a.test", "note": "x" * 201},
        {"senders": "a.test\n" * 501},
        {"senders": "x" * 300_000},
        {"senders": "\x1b[31m.test"},
        {"senders": "%s%(x)s{0.__class__}"},
    ],
)
def test_what_cannot_be(admin: User, domain: Domain, fields: dict[str, str]) -> None:
    answer = browser(admin).post(page_of(domain), {**added(""), **fields})

    assert answer.status_code == 422
    assert ListEntry.objects.count() == 0


def test_a_full_list_says_so(admin: User, domain: Domain, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lists, "MOST_OF_DOMAIN", 2)
    answer = browser(admin).post(page_of(domain), added("a.test\nb.test\nc.test"))

    assert "Line 3" in answer.content.decode()
    assert "The list is full" in answer.content.decode()
    assert ListEntry.objects.count() == 0


def test_searching_and_turning_pages(admin: User, domain: Domain) -> None:
    scope = Scope(domain_id=domain.pk)
    for number in range(paging.PAGE + 5):
        lists.add(Verb.BLOCK, f"s{number:03}.test", scope)
    lists.add(Verb.ALLOW, "friend.test", scope, note="An old Friend")
    client, path = browser(admin), page_of(domain)

    page = client.get(path).content.decode()
    assert page.count('name="id"') == paging.PAGE
    following = page.partition('rel="next" href="')[2].partition('"')[0].replace("&amp;", "&")
    assert client.get(path + following).content.decode().count('name="id"') == 6
    for query in ({"text": "old friend"}, {"verb": "allow"}, {"text": "FRIEND.T"}):
        found = client.get(path, query).content.decode()
        assert found.count('name="id"') == 1, query
    assert "No sender like that" in client.get(path, {"text": "%_\0<"}).content.decode()


def test_the_list_costs_the_same_however_long(admin: User, domain: Domain) -> None:
    client, path = browser(admin), page_of(domain)
    client.get(path)
    with CaptureQueriesContext(connection) as few:
        client.get(path)
    for number in range(60):
        lists.add(Verb.BLOCK, f"s{number:03}.test", Scope(domain_id=domain.pk))
    with CaptureQueriesContext(connection) as many:
        client.get(path)
    assert len(few) == len(many)


def test_lists_are_apart(
    admin: User, operator: User, domain: Domain, other_domain: Domain, alice: User
) -> None:
    lists.add(Verb.BLOCK, "mine.test", Scope(domain_id=domain.pk))
    lists.add(Verb.BLOCK, "theirs.test", Scope(domain_id=other_domain.pk))
    lists.add(Verb.BLOCK, "server.test", SERVER)
    lists.add(Verb.BLOCK, "hers.test", Scope(user_id=alice.pk))

    page = browser(admin).get(page_of(domain)).content.decode()
    assert "mine.test" in page
    for other in ("theirs.test", "server.test", "hers.test"):
        assert other not in page
    page = browser(operator).get(PAGE).content.decode()
    assert "server.test" in page
    assert "hers.test" not in page
    browser(admin).post(page_of(domain), {"act": "remove", "id": ["theirs.test", "server.test"]})
    assert ListEntry.objects.count() == 4


def test_the_export_is_whole_and_no_formula(admin: User, domain: Domain) -> None:
    scope = Scope(domain_id=domain.pk)
    ListEntry.objects.bulk_create(
        ListEntry(
            key=number,
            domain=domain,
            verb=Verb.BLOCK,
            kind=EntryKind.DOMAIN,
            value=f"s{number:04}.test",
            created_at=0,
        )
        for number in range(1_100)
    )
    lists.add(Verb.ALLOW, "friend.test", scope, note=WILD)
    lists.add(Verb.BLOCK, "=cmd|'/c'!a0@evil.test", scope)

    answer = browser(admin).get(page_of(domain) + "export/")
    assert answer.headers["Content-Type"] == "text/csv; charset=utf-8"
    text = b"".join(answer).decode()
    rows = list(csv.reader(io.StringIO(text)))
    assert len(rows) == 1_103
    assert rows[1][:2] == ["block", "'=cmd|'/c'!a0@evil.test"]
    assert rows[2][:2] == ["allow", "friend.test"]
    assert rows[2][3].startswith("'=1+1")


def test_a_note_is_literal(admin: User, domain: Domain) -> None:
    browser(admin).post(page_of(domain), added("a.test", note=WILD))

    page = browser(admin).get(page_of(domain)).content.decode()
    assert "<script>alert" not in page
    assert "{{7*7}}%s" in page
    assert "\x1b" not in page


def test_taking_a_list_along_is_recorded(admin: User, domain: Domain) -> None:
    browser(admin).head(page_of(domain) + "export/")
    assert not AuditRecord.objects.filter(action="directory.export").exists()
    browser(admin).get(page_of(domain) + "export/")

    record = AuditRecord.objects.get(action="directory.export")
    assert record.subject == "senders, example.test"


@pytest.mark.parametrize("name", ["\0", "far.test\0", "x" * 9_000, "\ud800"])
def test_what_is_ticked_may_be_anything(admin: User, domain: Domain, name: str) -> None:
    form = urlencode({"act": "remove", "id": name}, errors="surrogatepass")
    answer = browser(admin).post(
        page_of(domain), form, content_type="application/x-www-form-urlencoded"
    )
    assert answer.status_code == 302
