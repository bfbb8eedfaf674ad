"""What a page of a message knows of the search that led to it."""

import json
from dataclasses import dataclass
from typing import Any, Final

from django import template
from django.http import HttpRequest

from apps.search.language.marking import sought
from apps.search.language.nodes import Where
from apps.webmail.searching.chips import address
from apps.webmail.searching.results import understood

register = template.Library()
_NEEDLES_MAX: Final = 30


@dataclass(frozen=True, slots=True)
class Searched:
    """A search: the address of its results, and what was looked for as a script marks it (JSON)."""

    address: str
    needles: str


@register.simple_tag(takes_context=True)
def found(context: dict[str, Any]) -> Searched | None:
    """The search that a message was found by; None if it was not."""
    request = context.get("request")
    if not isinstance(request, HttpRequest) or not request.GET.get("q"):
        return None
    query = understood(request.GET["q"])
    folded = (*sought(query, Where.SUBJECT), *sought(query, Where.BODY))
    needles = dict.fromkeys(one.lower() for one in folded)
    return Searched(address(query.text), json.dumps(list(needles)[:_NEEDLES_MAX]))
