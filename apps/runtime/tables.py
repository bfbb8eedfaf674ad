"""What migrations do to tables that Django's own operations do slowly, or not at all."""

from collections.abc import Sequence
from typing import Any

from django.db.migrations.operations import CreateModel
from django.db.migrations.operations.base import Operation


class MakeTables(Operation):
    """Makes many tables at once.

    After each operation Django makes the classes of all models anew that are related to its model,
    and nearly all of ours are related to users: of a hundred tables that takes seconds. Here they
    are made once, for all.
    """

    reversible = True

    def __init__(self, operations: Sequence[CreateModel]) -> None:
        self.operations = operations

    def deconstruct(self) -> tuple[str, list[Any], dict[str, Any]]:
        """As Django wants it, to write it into a file."""
        return self.__class__.__name__, [self.operations], {}

    def state_forwards(self, app_label: str, state: Any) -> None:
        """Know of the tables."""
        # The classes, and whether some are yet to be made anew: all are made for whoever asks next.
        state.__dict__.pop("apps", None)
        state.is_delayed = False
        for operation in self.operations:
            operation.state_forwards(app_label, state)

    def database_forwards(
        self, app_label: str, schema_editor: Any, from_state: Any, to_state: Any
    ) -> None:
        """Make them."""
        for operation in self.operations:
            operation.database_forwards(app_label, schema_editor, from_state, to_state)

    def database_backwards(
        self, app_label: str, schema_editor: Any, from_state: Any, to_state: Any
    ) -> None:
        """Drop them, the last one first."""
        for operation in reversed(self.operations):
            operation.database_backwards(app_label, schema_editor, from_state, to_state)

    def describe(self) -> str:
        """For `sqlmigrate` and whoever watches."""
        return "; ".join(operation.describe() for operation in self.operations)


def without_rowid(schema_editor: Any, table: str) -> None:
    """Remake a table of SQLite's by its own definition, with its rows and indexes, so that its rows
    lie in the order of its key; do nothing if they do already."""
    with schema_editor.connection.cursor() as cursor:
        cursor.execute("SELECT sql FROM sqlite_master WHERE type = 'table' AND name = %s", [table])
        definition = cursor.fetchone()[0]
        if definition.upper().endswith("WITHOUT ROWID"):
            return
        cursor.execute(
            "SELECT sql FROM sqlite_master"
            " WHERE type = 'index' AND tbl_name = %s AND sql IS NOT NULL",
            [table],
        )
        indexes = [row[0] for row in cursor.fetchall()]
        made = definition.replace(f'"{table}"', f'"{table}__new"', 1) + " WITHOUT ROWID"
        cursor.execute(made)
        cursor.execute(f'INSERT INTO "{table}__new" SELECT * FROM "{table}"')  # noqa: S608 - ours
        cursor.execute(f'DROP TABLE "{table}"')
        cursor.execute(f'ALTER TABLE "{table}__new" RENAME TO "{table}"')
        for index in indexes:
            cursor.execute(index)
