"""What every page may name of who looks at it: how they want it to look."""

from typing import Any

from django.http import HttpRequest

from apps.webmail import preferences, words


def page(request: HttpRequest) -> dict[str, Any]:
    """`preferences` and `words_version`; no statement of their own."""
    return {
        "preferences": preferences.asked(request),
        "words_version": words.version,
    }
