"""What domains and the server want done with files."""

from collections.abc import Collection
from typing import Any, Final

from django.db.models import F

from apps.runtime.rows import Values, fetch
from apps.scan.models import AttachmentPolicy

_WANTED: Final = Values("wanted", "name text")
# What stands for another domain wants what that one wants.
_ENTRIES: Final = """
SELECT '' AS name, p.what, p.value, p.action FROM scan_attachmentpolicy p
WHERE p.domain_id IS NULL
UNION ALL
SELECT d.name, p.what, p.value, p.action FROM {wanted}
JOIN directory_domain d ON d.name = wanted.name
JOIN scan_attachmentpolicy p ON p.domain_id = COALESCE(d.alias_of_id, d.id)
ORDER BY 1, 2, 3"""


def entries(domains: Collection[str]) -> dict[str, list[list[str]]]:
    """Entries of these domains by name, and the server's under "": each what, value, action.

    One statement; none if there is nobody to ask for.
    """
    if not domains:
        return {}
    wanted = _WANTED.parameters([(name,) for name in sorted(domains)])
    found: dict[str, list[list[str]]] = {}
    for domain, *entry in fetch(_ENTRIES.format(wanted=_WANTED.sql), wanted):
        found.setdefault(domain, []).append(entry)
    return found


def listed() -> Any:
    """All entries there are, the server's first."""
    # Databases disagree on where NULLs stand.
    named = F("domain__name").asc(nulls_first=True)
    return AttachmentPolicy.objects.order_by(named, "what", "value").values_list(
        "domain__name", "what", "value", "action"
    )
