"""What rules count here, where an administrator has set something else than is usual.

It is looked up with everything else and kept with the verdict, under the name of no check.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from fnmatch import fnmatchcase
from typing import Final

from apps.runtime.rows import fetch
from apps.scan.base import Finding

NAME: Final = "points"
"""Where `given` keeps them."""

Set = Mapping[str, Sequence[float | bool]]
"""By rule, or pattern with `*`: its points, and whether they are the most of what varies."""

_ALL: Final = "SELECT rule, points, is_most FROM scan_rulepoints ORDER BY rule"


def look_up() -> dict[str, list[float | bool]]:
    """All that is set; few rows."""
    return {rule: [points, bool(is_most)] for rule, points, is_most in fetch(_ALL, [])}


def counted(findings: Sequence[Finding], known: Set) -> list[Finding]:
    """The findings with the points that they count here. Whatever they demand stays as it is."""
    if not known:
        return list(findings)
    patterns = [name for name in known if "*" in name]
    return [_counted(one, known, patterns) for one in findings]


def _counted(finding: Finding, known: Set, patterns: Sequence[str]) -> Finding:
    name = finding.rule
    if name not in known:
        name = next((one for one in patterns if fnmatchcase(finding.rule, one)), "")
    if not name:
        return finding
    points, is_most = known[name]
    if is_most:
        # Of a rule that speaks for a message, "most" is the lowest number.
        bound = min if finding.points > 0 else max
        points = bound(finding.points, points)
    return finding if points == finding.points else replace(finding, points=points)
