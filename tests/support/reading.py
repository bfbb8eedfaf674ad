"""How many rows statements read: what grows with a table is found while the table is small."""

import json
from dataclasses import dataclass, field
from typing import Any, Final

from django.db import connection

from apps.runtime.db import is_sqlite

# Steps of the machine that SQLite runs: no row takes fewer. All that it does is counted in such
# rows, so a row that is joined or sorted counts for some.
_STEPS: Final = 4


@dataclass
class Reading:
    """An execute wrapper: runs each statement that reads one of the tables beforehand, and counts.

    Args:
        tables: names of tables.
        found: rows that were read of these tables, and the statement; on SQLite all work, in rows.
    """

    tables: tuple[str, ...]
    found: list[tuple[int, str]] = field(default_factory=list)

    def __call__(self, execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        is_read = sql.lstrip().startswith(("SELECT", "WITH"))
        if not many and is_read and any(table in sql for table in self.tables):
            rows = _on_sqlite(sql, params) if is_sqlite() else self._on_postgres(sql, params)
            self.found.append((rows, sql))
        return execute(sql, params, many, context)

    def beyond(self, most: int) -> list[tuple[int, str]]:
        """The statements that read more rows than that."""
        return [one for one in self.found if one[0] > most]

    def _on_postgres(self, sql: str, params: Any) -> int:
        with connection.connection.cursor() as cursor:
            # A table of some thousand rows may be cheaper to read whole than by its index, which
            # says nothing of a large one: it is read whole where there is no other way.
            cursor.execute("SET LOCAL enable_seqscan = off")
            cursor.execute(f"EXPLAIN (ANALYZE, TIMING OFF, FORMAT JSON) {sql}", params)
            (plan,) = cursor.fetchone()
            cursor.execute("SET LOCAL enable_seqscan = on")
        plan = json.loads(plan) if isinstance(plan, str) else plan
        return self._rows(plan[0]["Plan"])

    def _rows(self, node: dict[str, Any]) -> int:
        rows = sum(self._rows(one) for one in node.get("Plans", ()))
        if node.get("Relation Name") in self.tables:
            removed = sum(
                node.get(f"Rows Removed by {what}", 0) for what in ("Filter", "Index Recheck")
            )
            rows += round((node["Actual Rows"] + removed) * node["Actual Loops"])
        return rows


def _on_sqlite(sql: str, params: Any) -> int:
    steps = 0

    def count() -> int:
        nonlocal steps
        steps += 100
        return 0

    connection.connection.set_progress_handler(count, 100)
    try:
        text = sql.replace("%s", "?").replace("%%", "%")
        connection.connection.execute(text, params or ()).fetchall()
    finally:
        connection.connection.set_progress_handler(None, 0)
    return steps // _STEPS


def analyze() -> None:
    """Let the planner know what is in the tables."""
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")
