"""What `manage.py check`, and every start, has to say of this app (Django system checks)."""

from datetime import timedelta
from typing import Any, Final

from django.core.checks import CheckMessage, Warning, register
from django.utils import timezone

from apps.mailauth import suffixes

OLD: Final = timedelta(days=365)


@register
def suffixes_are_recent(**_: Any) -> list[CheckMessage]:
    """W001: the Public Suffix List comes with the package, and grows old with it."""
    published = suffixes.published()
    if timezone.now().date() - published < OLD:
        return []
    return [
        Warning(
            f"The Public Suffix List, by which DMARC knows whose domains belong together, is of"
            f" {published}.",
            hint="Update mailhost: a newer list comes with it.",
            id="reception.W001",
        )
    ]
