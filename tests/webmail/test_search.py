"""Search as a page: found everywhere one may read, marked, counted honestly, a page at a time."""

from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from apps.directory.models import User
from apps.mailstore.services import sharing
from apps.mailstore.services.expunge import expunge
from apps.search.indexing import Indexer, Step
from tests.mailstore.making import ORIGIN, box
from tests.search.finding.making import NOW, Mail, file

pytestmark = pytest.mark.django_db


def text(response: Any) -> str:
    return str(response.content.decode())


def look(reader: Client, query: str, **more: str) -> Any:
    return reader.get("/mail/search/", {"q": query, **more})


def found(response: Any) -> list[str]:
    """Subjects of the rows, plain."""
    return [row.plain_subject for row in response.context["found"].rows]


def index_all() -> None:
    assert Indexer().run(60) is Step.IDLE


def test_it_finds_mail_in_all_folders(alice: User, reader: Client) -> None:
    file(box(alice), [Mail(subject="Quay in the inbox")])
    file(box(alice, "Archive"), [Mail(subject="Quay in the archive", date=NOW - 5)])
    file(box(alice, "Trash"), [Mail(subject="Quay in the bin")])
    response = look(reader, "quay")
    assert found(response) == ["Quay in the inbox", "Quay in the archive"]
    page = text(response)
    assert "2 messages in all mail" in page
    assert "<mark>Quay</mark> in the inbox" in page
    assert 'href="/mail/inbox/1/?q=quay"' in page
    assert found(look(reader, "quay in:trash")) == ["Quay in the bin"]
    assert len(found(look(reader, "quay in:anywhere"))) == 3


@pytest.mark.parametrize("is_indexed", [False, True])
def test_it_marks_what_was_looked_for(alice: User, reader: Client, *, is_indexed: bool) -> None:
    long = (
        "Dear all. " * 60 + "The gravel strip\r\nat the Möller quay is <b>late</b>. " + "End. " * 90
    )
    file(box(alice), [Mail(subject="Plan", body=long, filename="möller-plan.pdf")])
    if is_indexed:
        index_all()
    (row,) = look(reader, "moller gravel").context["found"].rows
    assert (
        "<mark>gravel</mark> strip at the <mark>Möller</mark> quay is &lt;b&gt;late" in row.snippet
    )
    assert row.snippet.startswith("…")
    assert len(row.snippet) < 400
    assert row.files == ("<mark>möller</mark>-plan.pdf",)


def test_it_marks_people_by_name_or_by_address(alice: User, reader: Client) -> None:
    file(box(alice), [Mail(sender="Robert <bob@quay.invalid>")])
    (row,) = look(reader, "from:rob").context["found"].rows
    assert row.who == "<mark>Rob</mark>ert"
    (row,) = look(reader, "quay.invalid").context["found"].rows
    assert row.who == "Robert &lt;bob@<mark>quay.invalid</mark>&gt;"


def test_mail_in_sent_says_who_got_it(alice: User, reader: Client) -> None:
    to = "Priya Rao <priya@quay.invalid>, tomas@quay.invalid"
    file(box(alice, "Sent"), [Mail(sender="alice@example.test", to=to)])
    page = text(look(reader, "lunch"))
    assert "Priya Rao, tomas@quay.invalid" in page
    (row,) = look(reader, "to:priya@quay").context["found"].rows
    assert row.who == "Priya Rao &lt;<mark>priya@quay</mark>.invalid&gt;, tomas@quay.invalid"


def test_it_reads_no_text_that_it_need_not(alice: User, reader: Client) -> None:
    file(box(alice), [Mail(subject="Fees", body="The invoice of May")])
    (row,) = look(reader, "subject:fees").context["found"].rows
    assert row.snippet == "The invoice of May"
    assert row.subject == "<mark>Fees</mark>"


def test_chips_take_off_what_they_say(alice: User, reader: Client) -> None:
    file(box(alice), [Mail(subject="Plan")])
    response = look(reader, 'from:"Bob Baker" plan -is:read -draft')
    chips = response.context["found"].chips
    assert [(chip.text, chip.is_denied) for chip in chips] == [
        ("from: Bob Baker", False),
        ("plan", False),
        ("is: unread", False),
        ("draft", True),
    ]
    reply = reader.get(chips[0].address)
    assert reply.context["query"] == "plan is:unread -draft"
    assert "Remove from: Bob Baker" in text(response)


def test_more_can_be_added_without_script(reader: Client) -> None:
    reply = reader.get("/mail/search/", {"q": "a OR b", "unread": "1"})
    assert reply.status_code == 302
    assert reply.headers["Location"] == "/mail/search/?q=%28a+OR+b%29+is%3Aunread"
    reply = reader.get("/mail/search/", {"q": 'said "open', "ending": "pdf"})
    assert reply.headers["Location"] == "/mail/search/?q=said+open+filename%3A.pdf"


def test_a_form_of_filters_composes_a_query(alice: User, reader: Client) -> None:
    fields = {
        "from": "Bob Baker",
        "to": "alice",
        "subject": 'the "plan"',
        "words": "gravel OR sand",
        "without": "draft",
        "in": "archive",
        "since": "2026-11-01",
        "until": "2026-11-25",
        "larger": "1M",
        "attached": "1",
    }
    reply = reader.get("/mail/search/", fields, follow=True)
    assert reply.context["query"] == (
        'gravel OR sand from:"Bob Baker" to:alice subject:"the ""plan""" -draft in:archive'
        " after:2026-11-01 before:2026-11-26 larger:1M has:attachment"
    ).replace("gravel OR sand", "(gravel OR sand)")
    assert "Search options" in text(reader.get("/mail/search/filters/", {"q": "x"}))


def test_odd_fields_ask_nothing(reader: Client) -> None:
    fields = {"q": "plan", "since": "<b>", "within": "soon", "larger": "\0", "until": "9999-12-31"}
    assert reader.get("/mail/search/", fields, follow=True).status_code == 200


def test_it_pages_by_key(alice: User, reader: Client) -> None:
    file(box(alice), [Mail(subject=f"Quay {n:03d}", date=NOW - n) for n in range(120)])
    index_all()
    seen: list[str] = []
    address = "/mail/search/?q=quay"
    while address:
        response = reader.get(address)
        assert "120 messages in all mail" in text(response)
        seen += found(response)
        address = response.context["found"].following
    assert seen == [f"Quay {n:03d}" for n in range(120)]


def test_more_rows_come_alone(alice: User, reader: Client) -> None:
    file(box(alice), [Mail(subject=f"Quay {n:03d}", date=NOW - n) for n in range(60)])
    following = look(reader, "quay").context["found"].following
    rows = text(reader.get(following, headers={"HX-Request": "true"}))
    assert rows.count("<article") == 10
    assert "<html" not in rows
    assert "Load more" not in rows


@pytest.mark.parametrize("after", ["x", "1-1", "9" * 40, "1-1-1-1", "<b>", "\u0661-1-1"])
def test_it_takes_an_odd_place_for_the_first_page(alice: User, reader: Client, after: str) -> None:
    file(box(alice), [Mail(subject="Quay")])
    assert found(look(reader, "quay", after=after)) == ["Quay"]


def test_facets_narrow(alice: User, reader: Client) -> None:
    file(
        box(alice), [Mail(subject="Quay", filename="a.pdf"), Mail(subject="Quay", filename="b.JPG")]
    )
    old = Mail(subject="Quay", sender="amy@example.test", date=NOW - 90 * 86_400)
    file(box(alice, "Archive"), [old])
    facets = {one.name: one for one in look(reader, "quay").context["found"].facets}
    told = {
        name: [(one.text, one.count) for one in facet.choices] for name, facet in facets.items()
    }
    assert told["Who"] == [("Bob Baker", 2), ("amy@example.test", 1)]
    assert told["Where"] == [("Inbox", 2), ("Archive", 1)]
    assert sorted(told["Files"]) == [("Images", 1), ("PDF", 1)]
    assert [count for _, count in told["When"]] == [2, 1]
    for facet in facets.values():
        for one in facet.choices:
            assert len(found(reader.get(one.address))) == one.count, one


def test_mistakes_are_told_and_mended(alice: User, reader: Client) -> None:
    response = look(reader, "fron:bob quay")
    page = text(response)
    assert "There is no operator “fron:”" in page
    (remark,) = response.context["found"].remarks
    assert remark.fixed == "from:bob quay"
    assert "There is no folder “nowhere”" in text(look(reader, "in:nowhere"))
    assert "A quote is not closed" in text(look(reader, '"quay'))


def test_nothing_found_says_how_to_look_further(alice: User, reader: Client) -> None:
    file(box(alice, "Junk"), [Mail(subject="Quay")])
    response = look(reader, "quay from:bob")
    page = text(response)
    assert "Nothing found" in page
    addresses = dict(response.context["found"].widened)
    assert "Without “quay”" in addresses
    assert found(reader.get(addresses["In Junk and Trash too"])) == ["Quay"]


def test_what_was_deleted_is_searched_apart(alice: User, reader: Client) -> None:
    file(box(alice), [Mail(subject="Quay")])
    expunge(mailbox_id=box(alice).pk, uids=[1], origin=ORIGIN, marked=False)
    assert found(look(reader, "quay")) == []
    response = look(reader, "quay", removed="1")
    assert found(response) == ["Quay"]
    assert "in what was deleted" in text(response)


def test_without_a_query_it_shows_what_can_be_typed(reader: Client) -> None:
    for query in ("", "   ", "-", '""'):
        page = text(look(reader, query))
        assert "What are you looking for?" in page
        assert "filename:.pdf newer_than:1m" in page


def test_mail_of_others_is_found_by_right_alone(
    alice: User, bob: User, eve: User, reader: Client
) -> None:
    for other in (bob, eve):
        file(box(other), [Mail(subject=f"Quay of {other.address}")])
    assert found(look(reader, "quay in:anywhere")) == []
    sharing.grant(mailbox_id=box(bob).pk, to=alice.address, rights="lr", origin=ORIGIN)
    response = look(reader, "quay")
    assert found(response) == ["Quay of bob@example.test"]
    assert f"/mail/{box(bob).pk}/1/" in text(response)
    sharing.grant(mailbox_id=box(bob).pk, to=alice.address, rights="l", origin=ORIGIN)
    assert found(look(reader, "quay")) == []


HOSTILE = (
    "x" * 10_000,
    " OR ".join(["x"] * 1_000),
    "(" * 2_000,
    '"' * 999,
    "-" * 500,
    ".*+?[a-z]{9}\\d(?P<x>",
    "quay\0quay",
    "\u202equay\u2066",
    "<script>alert(1)</script>",
    "'; DROP TABLE mailstore_entry; --",
    "from:" * 300,
    "%_%' \\",
    "in:../../etc label:$Junk",
    "\ud83d\ude00 \u0301",
)


@pytest.mark.parametrize("query", HOSTILE)
def test_whatever_is_typed_is_looked_for_or_said(alice: User, reader: Client, query: str) -> None:
    query = query.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    file(box(alice), [Mail(subject="Quay <script>alert(1)</script>")])
    for path in ("/mail/search/", "/mail/search/suggest/", "/mail/search/filters/"):
        response = reader.get(path, {"q": query})
        assert response.status_code == 200, path
        assert "<script>alert" not in text(response)
        assert "\0" not in text(response)
    assert reader.get("/mail/search/", {"q": query, "subject": query}).status_code == 302


def test_what_mail_says_is_text(alice: User, reader: Client) -> None:
    file(
        box(alice),
        [Mail(subject="<img src=x> quay", body="</mark><b>quay", sender='"<i>quay" <q@x.invalid>')],
    )
    page = text(look(reader, "quay"))
    assert "&lt;img src=x&gt; <mark>quay</mark>" in page
    assert "<i>quay" not in page
    assert "</mark><b>" not in page
    assert "src=x>" not in page.replace("&gt;", "")


def test_it_asks_as_often_for_fifty_as_for_two(alice: User, reader: Client) -> None:
    counts = []
    for many in (2, 55):
        file(box(alice), [Mail(subject="Quay", body="x " * 300 + "quay", filename="a.pdf")] * many)
        index_all()
        look(reader, "quay")
        with CaptureQueriesContext(connection) as captured:
            look(reader, "quay")
        counts.append(len(captured))
    assert counts[0] == counts[1] <= 21, captured.captured_queries


def test_strangers_are_led_to_sign_in(client: Client) -> None:
    for path in ("", "suggest/", "filters/"):
        response = client.get(f"/mail/search/{path}?q=quay")
        assert response.status_code == 302
        assert "/login/" in response.headers["Location"]
