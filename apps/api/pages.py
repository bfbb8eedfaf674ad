"""Pages of lists, by key: the thousandth costs what the first one does."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, TypeVar

from django.db.models import QuerySet
from rest_framework.request import Request
from rest_framework.response import Response

from apps.api.problems import Fault, Wrong
from apps.runtime import keyset
from apps.runtime.keyset import Order

Row = TypeVar("Row")


def page(
    request: Request,
    sought: Mapping[str, Any],
    found: QuerySet[Any, Row],
    order: Order,
    show: Callable[[Sequence[Row]], Iterable[Mapping[str, Any]]],
) -> Response:
    """An answer with the rows of a page and the cursor of the next one, also as a Link (RFC 8288).

    Args:
        sought: of a form that is `Sought`.
        show: all rows of the page at once, so that it may ask what they need in one statement.

    Raises:
        Wrong: the cursor is none of this list.
    """
    cursor = sought.get("cursor", "")
    if cursor and order.after(cursor) is None:
        raise no_cursor()
    piece = keyset.piece(found, order, cursor, sought["limit"])
    return answer(request, list(show(piece.rows)), piece.following)


def no_cursor() -> Wrong:
    """What is said of a cursor that is none of the list."""
    words = "Not a cursor of this list: leave it out"
    return Wrong(Fault("?cursor", "invalid", words), status=400)


def answer(request: Request, items: Sequence[Mapping[str, Any]], following: str) -> Response:
    """A page that was put together elsewhere; `following` is the next one's cursor, "" for none."""
    response = Response({"items": items, "next": following or None})
    if following:
        query = request.query_params.copy()
        query["cursor"] = following
        response["Link"] = f'<{request.path}?{query.urlencode()}>; rel="next"'
    return response
