"""What every page may name of who looks at it: how they want it to look, the keys, the palette."""

from typing import Any

from django.http import HttpRequest

from apps.webmail import preferences, shortcuts, words


def page(request: HttpRequest) -> dict[str, Any]:
    """`preferences`, `shortcut_groups` and `words_version`; no statement of their own."""
    return {
        "preferences": preferences.asked(request),
        "shortcut_groups": shortcuts.groups,
        "words_version": words.version,
    }
