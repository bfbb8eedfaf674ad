"""Indexes for tables that are large already: made while the service goes on."""

from typing import Any

from django.db import migrations


class AddIndexBeside(migrations.AddIndex):
    """As Django's, but on Postgres nobody who writes to the table waits for it (CONCURRENTLY).

    The migration has to say `atomic = False`. What breaks off while an index is built leaves one
    that is of no use under its name: it goes first, so that the migration can be run again. On
    SQLite a writer waits for its turn as ever, and an index of 100,000 rows takes a fraction of a
    second.
    """

    atomic = False

    def database_forwards(
        self, app_label: str, schema_editor: Any, from_state: Any, to_state: Any
    ) -> None:
        """Make it."""
        model = to_state.apps.get_model(app_label, self.model_name)
        if schema_editor.connection.vendor != "postgresql":
            super().database_forwards(app_label, schema_editor, from_state, to_state)
        elif self.allow_migrate_model(schema_editor.connection.alias, model):
            schema_editor.remove_index(model, self.index, concurrently=True)
            schema_editor.add_index(model, self.index, concurrently=True)

    def database_backwards(
        self, app_label: str, schema_editor: Any, from_state: Any, to_state: Any
    ) -> None:
        """Drop it."""
        model = from_state.apps.get_model(app_label, self.model_name)
        if schema_editor.connection.vendor != "postgresql":
            super().database_backwards(app_label, schema_editor, from_state, to_state)
        elif self.allow_migrate_model(schema_editor.connection.alias, model):
            schema_editor.remove_index(model, self.index, concurrently=True)
