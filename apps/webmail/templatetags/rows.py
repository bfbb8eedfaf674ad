"""Rows of lists and of conversations, which are drawn in Python."""

from collections.abc import Sequence
from typing import Any

from django import template
from django.utils.safestring import SafeString

from apps.webmail import drawing
from apps.webmail.folded import folded
from apps.webmail.rows import Row
from apps.webmail.searching import drawing as found
from apps.webmail.searching.rows import Result
from apps.webmail.thread import Message

register = template.Library()


@register.simple_tag(takes_context=True)
def list_rows(context: dict[str, Any], rows: Sequence[Row]) -> SafeString:
    """Rows of the place that the page is of."""
    return drawing.rows(rows, special_use=context["place"].special_use, query=context["page_query"])


@register.simple_tag
def result_rows(rows: Sequence[Result]) -> SafeString:
    """Rows of what was found."""
    return found.rows(rows)


@register.simple_tag(takes_context=True)
def folded_message(context: dict[str, Any], message: Message) -> SafeString:
    """A message of a conversation that is not open."""
    return folded(message, context.get("page_query", ""))
