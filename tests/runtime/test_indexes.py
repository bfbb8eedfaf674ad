"""Indexes of large tables: made while others write, and again after what broke off."""

from typing import Any

import pytest
from django.db import connection, models
from django.db.migrations.state import ModelState, ProjectState

from apps.runtime.db import is_sqlite
from apps.runtime.indexes import AddIndexBeside

TABLE, INDEX = "runtime_thing", "thing_size"


def state() -> ProjectState:
    found = ProjectState()
    fields: list[tuple[str, models.Field[Any, Any]]] = [
        ("id", models.BigAutoField(primary_key=True)),
        ("size", models.BigIntegerField()),
    ]
    found.add_model(ModelState("runtime", "Thing", fields))
    return found


def indexes() -> list[str]:
    with connection.cursor() as cursor:
        found = connection.introspection.get_constraints(cursor, TABLE)
    return [name for name, what in found.items() if what["index"] and not what["primary_key"]]


@pytest.mark.django_db(transaction=True)
def test_it_is_made_and_dropped_and_what_broke_off_is_made_again() -> None:
    before, after = state(), state()
    add = AddIndexBeside("Thing", models.Index(fields=["size"], name=INDEX))
    add.state_forwards("runtime", after)
    with connection.schema_editor() as editor:
        editor.create_model(before.apps.get_model("runtime", "Thing"))
    try:
        if not is_sqlite():  # a build that broke off leaves its name behind
            with connection.cursor() as cursor:
                cursor.execute(f"CREATE INDEX {INDEX} ON {TABLE} (id)")
        with connection.schema_editor(atomic=False) as editor:
            add.database_forwards("runtime", editor, before, after)
        assert indexes() == [INDEX]
        with connection.schema_editor(atomic=False) as editor:
            add.database_backwards("runtime", editor, after, before)
        assert indexes() == []
    finally:
        with connection.schema_editor() as editor:
            editor.delete_model(before.apps.get_model("runtime", "Thing"))
