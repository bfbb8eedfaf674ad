"""Every rule of every check, for the page and for those who ask what a name means."""

from typing import Final

from apps.scan.rulebook import Rule

RULES: Final[tuple[Rule, ...]] = ()
