"""A list that has nothing but the base: a filter, an order, and lines."""

from collections.abc import Sequence
from urllib.parse import urlsplit

import pytest
from django.http import QueryDict
from django.template.loader import render_to_string
from pytest_django import DjangoAssertNumQueries

from apps.console import paging
from apps.console.filters import Filter
from apps.console.paging import Page
from apps.runtime.keyset import Column, Order
from apps.trace.models import TraceEvent

NEWEST = Order(Column("at", falls=True), Column("pk", falls=True))


@pytest.fixture
def events(db: None, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Five events of the same moment, newest first; a page has two."""
    monkeypatch.setattr(paging, "PAGE", 2)
    for number in range(5):
        TraceEvent.objects.create(trace_id="0" * 32, at=1, kind=f"kind{number}")
    return list(TraceEvent.objects.order_by("-pk").values_list("pk", flat=True))


def ids(rows: Sequence[TraceEvent]) -> list[int]:
    return [row.pk for row in rows]


def listed(wanted: Filter) -> Page[int]:
    found = TraceEvent.objects.filter(kind__startswith=wanted.text)
    return paging.page(found, NEWEST, wanted, ids)


def test_one_walks_by_the_links_and_keeps_the_question(
    events: list[int], django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    seen, link, firsts = [], "?text=kind", []
    while link:
        wanted = Filter.of(QueryDict(urlsplit(link).query).dict())
        with django_assert_num_queries(1):
            page = listed(wanted)
        seen += page.lines
        firsts.append(page.first_link)
        link = page.next_link

    assert seen == events
    assert firsts == ["", "?text=kind", "?text=kind"]


def test_it_says_how_many_are_shown(events: list[int], monkeypatch: pytest.MonkeyPatch) -> None:
    assert listed(Filter()).words == "2 on this page"
    found = TraceEvent.objects.all()
    assert paging.page(found, NEWEST, Filter(), ids, counts=found).words == "2 of 5"
    monkeypatch.setattr(paging, "COUNTED", 3)
    assert paging.page(found, NEWEST, Filter(), ids, counts=found).words == "2 of more than 3"

    monkeypatch.setattr(paging, "PAGE", 5)
    whole = listed(Filter())
    assert (whole.is_whole, whole.words) == (True, "")
    nouns = ("event", "events")
    assert paging.page(found, NEWEST, Filter(), ids, nouns=nouns).words == "5 events"
    one = paging.page(found.filter(pk=events[0]), NEWEST, Filter(), ids, nouns=nouns)
    assert one.words == "1 event"


def test_counting_ends_and_what_is_one_page_is_not_counted(
    events: list[int],
    monkeypatch: pytest.MonkeyPatch,
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    found = TraceEvent.objects.all()
    with django_assert_num_queries(2) as made:
        paging.page(found, NEWEST, Filter(), ids, counts=found.order_by("kind"))
    counting = made.captured_queries[1]["sql"]
    assert "COUNT" in counting
    assert "LIMIT" in counting
    assert "ORDER" not in counting
    monkeypatch.setattr(paging, "PAGE", 5)
    with django_assert_num_queries(1):
        paging.page(found, NEWEST, Filter(), ids, counts=found)


@pytest.mark.parametrize("cursor", ["x", "1", "1~", "~1", "1~2~3", "9" * 900, "1~-1", "\0", "1~٣"])
def test_a_cursor_of_nonsense_is_the_first_page(events: list[int], cursor: str) -> None:
    page = listed(Filter.of({"after": cursor}))
    assert page.lines == events[:2]
    assert page.first_link == ""


def test_behind_the_last_one_is_a_way_back(events: list[int]) -> None:
    page = listed(Filter(after="0~0"))
    assert (page.lines, page.first_link, page.next_link) == ([], "?", "")
    pager = render_to_string("console/_pager.html", {"page": page})
    assert 'href="?"' in pager
    assert 'rel="next"' not in pager


def test_what_stands_in_a_link_is_escaped(events: list[int]) -> None:
    page = listed(Filter(text="kind", after='9~9"><script>'))
    assert "<script>" not in render_to_string("console/_pager.html", {"page": page})
    hidden = render_to_string("console/_here.html", {"wanted": Filter(text='"><script>')})
    assert "<script>" not in hidden
