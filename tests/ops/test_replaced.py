"""Installations from before the migrations were made anew: those of the last version before are up
to date, older ones are told what to do."""

from collections.abc import Callable
from pathlib import Path

import pytest
from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from django.db.migrations.recorder import MigrationRecorder

from apps.ops import schema, start

pytestmark = pytest.mark.django_db

Names = set[tuple[str, str]]


@pytest.fixture
def before() -> Names:
    """A database as the last version before left it: it has had what was replaced, and nothing
    else. The names of that."""
    names: Names = set()
    for new, old in schema.replaced().items():
        if old:
            MigrationRecorder(connection).record_unapplied(*new)
            names |= old
    return names


def test_nothing_is_to_be_done_to_a_database_of_the_version_before(before: Names) -> None:
    executor = MigrationExecutor(connection)
    assert before <= schema.applied()
    assert executor.migration_plan(executor.loader.graph.leaf_nodes()) == []
    schema.check_age(schema.applied())


def test_it_notes_down_that_the_new_ones_were_applied(before: Names) -> None:
    assert schema.missing_migrations()
    executor = MigrationExecutor(connection)
    executor.check_replacements()  # as `migrate` ends with
    assert not schema.missing_migrations()


def test_a_database_that_is_older_is_left_as_it_is(
    before: Names, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    app, name = max(before)
    MigrationRecorder(connection).record_unapplied(app, name)
    refused: Callable[..., None] = lambda *_, **__: pytest.fail("it was migrated")  # noqa: E731
    monkeypatch.setattr(schema, "call_command", refused)
    monkeypatch.setattr(schema, "copy_database", refused)
    with pytest.raises(start.StartError, match="too old for this one"):
        start._prepare_database(lambda _: None)


def test_what_a_new_database_has_had_is_of_age() -> None:
    """It is written down under the old names too, and an app may be newer than all of it."""
    schema.check_age(schema.applied())
    schema.check_age(set())
    schema.check_age({one for one in schema.applied() if one[0] != "trace"})
