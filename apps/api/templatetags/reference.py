"""Template tags of the reference: the little Markdown that the schema is written in."""

import re
from collections.abc import Sequence
from typing import Any, Final

from django import template
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

register = template.Library()

_TICKS: Final = re.compile(r"`([^`]+)`")


@register.filter
def ticked(words: str) -> SafeString:
    """One line; what stands in backticks is code."""
    parts = _TICKS.split(words)
    pieces = (("<code>{}</code>" if at % 2 else "{}", part) for at, part in enumerate(parts))
    return format_html_join("", "{}", ((format_html(form, part),) for form, part in pieces))


@register.filter
def told(words: str) -> SafeString:
    """Paragraphs, which empty lines part."""
    paragraphs = (one.strip() for one in words.split("\n\n"))
    return format_html_join("", "<p>{}</p>", ((ticked(one),) for one in paragraphs if one))


@register.inclusion_tag("api/_fields.html")
def fields(fields: Sequence[Any], caption: str, marks: bool) -> dict[str, Any]:
    """A table of fields; `marks` those that have to be there."""
    return {"fields": fields, "caption": caption, "marks": marks}
