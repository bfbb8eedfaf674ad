"""A lookup of UUIDs for ids that a subquery finds first: `pk__among=queryset`."""

from typing import Any

from django.db.models.lookups import In
from django.db.models.sql.compiler import SQLCompiler


class Among(In):
    """As `pk__in=queryset`, but on Postgres the ids are collected before anything is read by them.

    Left to its planner, a page of the newest rows of a few owners may walk through the rows of all
    owners instead, until enough have come by. Of ids in an array it steps through the index, in its
    order, and stops when the page is full. SQLite does so by itself.
    """

    lookup_name = "among"

    def as_postgresql(self, compiler: SQLCompiler, connection: Any) -> tuple[str, list[Any]]:
        """The condition, with its parameters."""
        lhs, lhs_params = self.process_lhs(compiler, connection)
        rhs, rhs_params = self.process_rhs(compiler, connection)
        return f"{lhs} = ANY(ARRAY{rhs})", [*lhs_params, *rhs_params]
