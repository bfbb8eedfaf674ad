"""Pieces of a page that are the same for all who read their language: drawn once in a process."""

from functools import lru_cache

from django import template
from django.template.loader import render_to_string
from django.utils.safestring import SafeString
from django.utils.translation import get_language

from apps.webmail import shortcuts

register = template.Library()


@register.simple_tag
def unchanging(name: str) -> SafeString:
    """A template that knows of nobody: no request, no person, only the keys (`shortcut_groups`)."""
    return _drawn(name, get_language())


@lru_cache(maxsize=16)  # the names are our own
def _drawn(name: str, language: str | None) -> SafeString:
    return render_to_string(name, {"shortcut_groups": shortcuts.GROUPS})
