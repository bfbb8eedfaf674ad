"""How the index stands, and the command that makes it anew."""

from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from pytest_django import Settings

from apps.directory.models import User
from apps.search import standing as module
from apps.search.backends import index
from apps.search.indexing import Indexer
from apps.search.standing import standing
from apps.wire.errors import StorageUnavailable
from tests.mailstore.making import box, filled

pytestmark = pytest.mark.django_db


def reindex(*arguments: str) -> str:
    out = StringIO()
    call_command("reindex", *arguments, stdout=out, stderr=StringIO())
    return out.getvalue()


def test_it_tells_how_far_the_index_is(alice: User) -> None:
    filled(box(alice), 3)
    assert "being made anew" in reindex("--status")
    assert reindex("--catch-up").startswith("search index: 3 messages, ")
    filled(box(alice), 2)
    assert "3 messages" in reindex("--status")
    assert "2 messages behind" in str(standing())
    assert (standing().messages, standing().behind, standing().is_usable) == (3, 2, True)


def test_it_makes_the_index_anew(alice: User) -> None:
    filled(box(alice), 3)
    Indexer().run(60)
    before = index().stamp()
    assert "3 messages, " in (said := reindex())
    assert "0 messages behind" in said
    after = index().stamp()
    assert before is not None
    assert after is not None
    assert before.epoch != after.epoch


def test_it_makes_none_that_is_switched_off(alice: User, settings: Settings) -> None:
    settings.SEARCH_INDEX = False
    assert "switched off" in reindex("--status")
    with pytest.raises(CommandError, match="switched off"):
        reindex()


def test_it_says_what_went_wrong(alice: User, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(_: object) -> None:
        raise StorageUnavailable("the disk")

    monkeypatch.setattr(type(index()), "stamp", fails)
    with pytest.raises(CommandError, match="not finished"):
        reindex()


def test_it_tells_what_would_make_it_faster(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "is_sqlite", lambda: False)
    monkeypatch.setattr("apps.search.backends.postgres.has_trigrams", lambda: False)
    assert "pg_trgm" in reindex("--status")
    monkeypatch.setattr("apps.search.backends.postgres.has_trigrams", lambda: True)
    assert "pg_trgm" not in reindex("--status")
