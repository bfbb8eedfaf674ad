"""Which spam is after passwords and money: told by what it pretends. Pure.

Spam is called phishing where rules speak against it that catch pretence: names that look like
others, links that lie about where they lead. What merely is advertising pretends nothing.
"""

from collections.abc import Collection
from math import fsum
from typing import Final

from apps.scan.base import Finding
from apps.scan.links import rules as links
from apps.scan.lookalikes import rules as lookalikes

LEAST: Final = 2.5
"""Points of pretence from which on spam is called so: one plain lie, or several likely ones."""

PRETENCE: Final = frozenset(
    rule.name
    for rule in (
        *lookalikes.RULES,
        links.TEXT_LIES,
        links.ODD_ADDRESS,
        links.WITH_USER,
        links.CODE,
        links.TO_SHARE,
        links.DECOY,
        links.NAMES_READER,
    )
) | {"FROM_OURS_UNPROVEN"}


def is_phishing(findings: Collection[Finding]) -> bool:
    """Whether what was found is pretence, in the main."""
    return fsum(one.points for one in findings if one.rule in PRETENCE) >= LEAST
