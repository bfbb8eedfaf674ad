"""The list of message trace, as administrators of several reach meet it."""

import csv
import io
from typing import Any

import pytest
from django.test import Client

from apps.audit.models import AuditRecord
from apps.console import tracelist
from apps.delivery.recorder import find, index
from apps.directory.models import User
from apps.directory.permissions import powers_of
from apps.runtime.clock import now_us
from apps.runtime.ulid import ulid_text
from apps.trace.models import Passage
from tests.console.conftest import browser
from tests.delivery.recorder.test_index import came, happened

WILD = "<b>x</b>\u202e\x1b[31m"


def page(client: Client, query: str = "", status: int = 200) -> str:
    answer = client.get(f"/admin/trace/{query}", headers={"accept": "text/html"})
    assert answer.status_code == status
    return answer.content.decode()


def test_what_happened_just_now_is_there(operator: User, alice: User) -> None:
    trace_id = came([alice.address, "bob@example.test"], subject="Planting plan")
    text = page(browser(operator))
    assert "Planting plan" in text
    assert f"/admin/trace/{ulid_text(trace_id)}/" in text
    assert ">Waiting</span>" in text
    assert "+1</span>" in text
    assert "Kept for 90 days" in text
    happened(trace_id, "local.delivered", to=alice.address, mailbox="INBOX", uid=1)
    happened(trace_id, "local.delivered", to="bob@example.test", mailbox="INBOX", uid=1)
    assert ">Delivered</span>" in page(browser(operator), "?text=planting")


def test_each_filter_narrows(operator: User, alice: User) -> None:
    came([alice.address], subject="Here it is", helo="mx.sender.invalid")
    client = browser(operator)
    for query in (
        *("text=alice@example.test", "text=here", "text=sender", "last=1h", "last=90d"),
        *("direction=incoming", "outcome=waiting", "role=recipient&text=alice@example.test"),
        *("peer=sender.invalid", "since=2020-01-01", "least=&most=", "outcome=nonsense"),
        *("after=nonsense", "after=~", "after=9~x", "last=never", "text=%00"),
    ):
        is_found = "Here it is" in page(client, f"?{query}")
        assert is_found == (query not in {"text=sender"}), query
    for query in (
        *("outcome=refused", "direction=outgoing", "peer=other.invalid", "until=2020-01-01"),
        *(
            "role=sender&text=alice@example.test",
            "least=1",
            "text=nothing",
            "text=%00%ff",
            "after=5~" + "0" * 32,
        ),
    ):
        assert "Here it is" not in page(client, f"?{query}"), query


def test_what_is_no_day_or_number_is_said(operator: User) -> None:
    client = browser(operator)
    for query in ("since=yesterday", "until=2026-13-01", "least=x", "most=1e9", "least=inf"):
        text = page(client, f"?{query}", 422)
        assert 'aria-invalid="true"' in text
        assert "Correct what is marked first" in text


def test_empty_states(operator: User, alice: User) -> None:
    client = browser(operator)
    assert "No message yet" in page(client)
    came([alice.address])
    assert "No message like that" in page(client, "?text=zzzz")


def test_strangers_write_no_page(operator: User, alice: User) -> None:
    came([alice.address], subject=WILD, helo=WILD, by=f"{WILD}@x.invalid", message_id=WILD)
    text = page(browser(operator))
    assert "<b>x" not in text
    assert not {"\u202e", "\x1b"} & set(text)


def test_administrators_see_their_domains(admin: User, alice: User, eve: User) -> None:
    mine = came([alice.address], subject="Ours")
    theirs = came([eve.address], subject="Theirs")
    text = page(browser(admin))
    assert "Ours" in text
    assert "Theirs" not in text
    assert "Theirs" not in page(browser(admin), f"?text={ulid_text(theirs)}")
    assert "Ours" in page(browser(admin), f"?text={ulid_text(mine)}")


def test_users_have_no_such_page(alice: User) -> None:
    answer = browser(alice).get("/admin/trace/")
    assert answer.status_code in (302, 403, 404)


def test_pages(operator: User, alice: User, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(find, "PAGE", 50)
    for number in range(60):
        came([alice.address], now_us() - 1_000_000 * (60 - number), subject=f"number{number:02}")
    client = browser(operator)
    first = client.get("/admin/trace/?text=alice@example.test")
    found = first.context["page"]
    assert len(found.lines) == 50
    second = client.get(f"/admin/trace/{found.next_link}").context["page"]
    assert len(second.lines) == 10
    assert second.first_link == "?text=alice%40example.test"
    assert not {one.trace_id for one in found.lines} & {one.trace_id for one in second.lines}


def test_a_search_that_stopped_says_how_far_it_came(
    operator: User, alice: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(200):
        came([alice.address], now_us() - 1_000_000 * (200 - number))
    index.catch_up(seconds=30)
    monkeypatch.setattr(find, "STEPS", (60,))
    text = page(browser(operator), "?peer=nobody.invalid")
    assert "Looked back to" in text
    assert "Look further back" in text


def test_it_says_what_is_not_indexed_yet(
    operator: User, alice: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    for _ in range(5):
        came([alice.address])
    monkeypatch.setattr(index, "BATCH", 2)
    once = index.catch_up_once
    monkeypatch.setattr(index, "catch_up_once", lambda patience: once(most=1, patience=patience))
    assert "Still indexing: seen up to" in page(browser(operator))


def test_a_page_costs_the_same_for_one_and_for_many(
    operator: User, admin: User, alice: User, django_assert_max_num_queries: Any
) -> None:
    for client in (browser(operator), browser(admin)):
        came([alice.address])
        with django_assert_max_num_queries(60) as few:
            page(client)
        for _ in range(30):
            came([alice.address])
        index.catch_up(seconds=30)
        with django_assert_max_num_queries(len(few)):
            page(client)


def test_as_a_file(admin: User, alice: User, eve: User) -> None:
    came([alice.address], subject="=1+1", by="@x@y.invalid")
    came([alice.address], subject="Second")
    came([eve.address], subject="Theirs")
    answer = browser(admin).get("/admin/export/?kind=traces&text=")
    assert answer.status_code == 200
    octets = b"".join(answer)
    rows = list(csv.DictReader(io.StringIO(octets.decode("utf-8-sig"), newline="")))
    assert [row["Subject"] for row in rows] == ["Second", "'=1+1"]
    assert rows[0]["Trace"] == ulid_text(Passage.objects.order_by("-at")[1].trace_id)
    assert AuditRecord.objects.get(action="directory.export").subject == "traces"
    answer = browser(admin).get("/admin/export/?kind=traces&since=never")
    assert len(b"".join(answer).splitlines()) == 1


def test_a_file_goes_on_where_a_page_ends(
    operator: User, alice: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    for _ in range(25):
        came([alice.address])
    monkeypatch.setattr(tracelist, "EXPORT_PAGE", 4)
    assert len(list(tracelist.exported(powers_of(operator), {}))) == 25
    monkeypatch.setattr(tracelist, "EXPORTED", 10)
    assert len(list(tracelist.exported(powers_of(operator), {}))) == 10


def test_the_palette_finds_a_message(operator: User, admin: User, eve: User) -> None:
    trace_id = came([eve.address], subject="Pasted")
    index.catch_up(seconds=30)
    url = f"/admin/trace/{ulid_text(trace_id)}/"
    for text in (ulid_text(trace_id), "%3Cq3@outside.invalid%3E"):
        assert url in browser(operator).get(f"/admin/find/?q={text}").content.decode()
        assert url not in browser(admin).get(f"/admin/find/?q={text}").content.decode()
