"""`manage.py fsck` compares the search index with the mail, and has what differs made anew."""

import json
import sqlite3
from contextlib import closing
from dataclasses import replace
from io import StringIO
from typing import Any

import pytest
from django.core.management import call_command
from django.db import connection
from pytest_django import Settings

from apps.directory.models import User
from apps.mailstore.models import Entry, Mailbox, Unindexed
from apps.mailstore.services.expunge import expunge
from apps.runtime.db import is_sqlite
from apps.search.backends import index
from apps.search.backends.contract import Pair, Row
from apps.search.indexing import Indexer, Step
from apps.search.models import IndexState
from tests.mailstore.making import ORIGIN, box, delivered, filing, filled

pytestmark = pytest.mark.django_db
COUNT = 30  # of which every other one is compared unless all are


@pytest.fixture
def inbox(alice: User) -> Mailbox:
    return box(alice)


@pytest.fixture
def pairs(inbox: Mailbox, bob: User) -> list[Pair]:
    """An index that knows all mail there is; Alice's part of it."""
    filled(inbox, COUNT)
    expunge(mailbox_id=inbox.pk, uids=[COUNT], origin=ORIGIN, marked=False)
    delivered([filing(box(bob))])
    assert Indexer().run(60) is Step.IDLE
    ids = Entry.objects.filter(mailbox=inbox).order_by("uid").values_list("message_id", flat=True)
    return [Pair(inbox.user_id, one) for one in ids]


def run(*options: str) -> list[dict[str, Any]]:
    out = StringIO()
    try:
        call_command("fsck", "--json", *options, verbosity=0, stdout=out)
        code = 0
    except SystemExit as stop:
        code = int(stop.code or 0)
    found = [json.loads(line) for line in out.getvalue().splitlines()]
    assert code == any(one["outcome"] == "told" and not one["harmless"] for one in found)
    return found


def write(rows: list[Row], gone: list[Pair]) -> None:
    with index().turn() as mine:
        assert mine
        index().write(rows, gone)


def text_of(pair: Pair) -> Any:
    return index().texts(pair.owner_id, [pair.message_id])[pair.message_id]


def assert_it_is_mended(said: str, *options: str) -> None:
    (found,) = run(*options)
    assert (found["kind"], found["where"]) == ("index", "alice@example.test")
    assert said in found["detail"]
    (found,) = run("--repair", *options)
    assert found["outcome"] == "mended"
    assert run(*options) == []  # it waits
    assert Indexer().run(60) is Step.IDLE
    assert not Unindexed.objects.exists()
    assert run("--index") == []


def test_it_finds_nothing_wrong_in_a_good_index(pairs: list[Pair], inbox: Mailbox) -> None:
    assert run("--index") == []
    delivered([filing(inbox)])
    assert run("--index") == []
    assert run("--user", "alice@example.test") == []


def test_it_finds_messages_that_the_index_has_not(pairs: list[Pair]) -> None:
    write([], pairs[3:5])
    assert_it_is_mended("2 messages: each is not in the index")


def test_it_finds_messages_that_are_gone(pairs: list[Pair]) -> None:
    write([Row(Pair(pairs[0].owner_id, 999_999), text_of(pairs[0]))], [])
    assert_it_is_mended("1 messages: each is in the index, and gone (999999)")


def test_it_finds_rows_of_nobody(pairs: list[Pair]) -> None:
    write([Row(Pair(99_999, pairs[0].message_id), text_of(pairs[0]))], [])
    assert [one["where"] for one in run("--repair")] == ["user 99999, who is not there"]
    Indexer().run(60)
    assert run() == []


def test_it_compares_some_texts_or_all(pairs: list[Pair]) -> None:
    every = [Row(one, replace(text_of(one), subject="\x1eother\x1e\x1e")) for one in pairs]
    write(every[1:2], [])
    assert run() == []  # not one of those that are picked
    assert_it_is_mended("1 messages: each is another text in the index", "--index")
    write(every, [])
    (found,) = run()
    assert "is another text" in found["detail"]


def test_it_finds_texts_that_their_words_do_not_lead_to(pairs: list[Pair]) -> None:
    if is_sqlite():
        path = f"{connection.settings_dict['NAME']}-search/current"
        with closing(sqlite3.connect(path)) as raw:
            raw.execute("INSERT INTO words (words) VALUES ('delete-all')")
            raw.commit()
        assert [one["where"] for one in run()] == ["alice@example.test", "bob@example.test"]
        assert_it_is_mended("not found by their words", "--user", "alice@example.test")
    else:  # where words and texts are one column
        with connection.cursor() as cursor:
            cursor.execute("SELECT count(*) FROM pg_class WHERE relname LIKE 'search_%%'")
            assert cursor.fetchone()[0] > 0
        assert run("--index") == []


def test_it_leaves_an_index_alone_that_is_made_or_off(
    pairs: list[Pair], settings: Settings
) -> None:
    write([], pairs)
    settings.SEARCH_INDEX = False
    assert run() == []
    settings.SEARCH_INDEX = True
    IndexState.objects.update(version=0)
    (found,) = run()
    assert (found["where"], found["harmless"]) == ("all", True)
    assert run("--repair")[0]["outcome"] == "mended"
    assert run() == []  # it is being made
    assert Indexer().run(60) is Step.IDLE
    assert run() == []
