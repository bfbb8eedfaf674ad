"""A row is given other values only if it still has those that are expected.

What takes an act back must not undo what somebody else has done since: looking first and writing
afterwards would, now and then. Here the database compares, in the statement that writes.
"""

from collections.abc import Mapping
from typing import Any

from django.db.models import Model

Values = Mapping[str, Any]


def exchange(
    model: type[Model], key: Values, *, now: Values | None, then: Values | None, first: Values
) -> bool:
    """Exchange the values of the row that `key` names; of several who do at once one succeeds.

    Args:
        key: columns that are unique together.
        now: what it must have; None: there must be no such row.
        then: what it gets; None: it goes.
        first: what a row that is made has besides.

    Returns:
        Whether the row was as expected, and is changed.
    """
    rows = model._default_manager
    if now is None:
        return then is not None and rows.get_or_create(**key, defaults={**first, **then})[1]
    found = rows.filter(**key, **now)
    return bool(found.delete()[0] if then is None else found.update(**then))
