"""What domains and the server want done with files."""

from collections.abc import Collection
from typing import Any

from django.db.models import F, Q

from apps.scan.models import AttachmentPolicy


def entries(domains: Collection[str]) -> dict[str, list[list[str]]]:
    """Entries of these domains by name, and the server's under "": each what, value, action.

    One statement; none if there is nobody to ask for.
    """
    if not domains:
        return {}
    rows = (
        AttachmentPolicy.objects.filter(Q(domain=None) | Q(domain__name__in=sorted(domains)))
        .order_by("what", "value")
        .values_list("domain__name", "what", "value", "action")
    )
    found: dict[str, list[list[str]]] = {}
    for domain, *entry in rows:
        found.setdefault(domain or "", []).append(entry)
    return found


def listed() -> Any:
    """All entries there are, the server's first."""
    # Databases disagree on where NULLs stand.
    named = F("domain__name").asc(nulls_first=True)
    return AttachmentPolicy.objects.order_by(named, "what", "value").values_list(
        "domain__name", "what", "value", "action"
    )
