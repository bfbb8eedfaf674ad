"""Fills the tables of docs/spam-rules.md from the rules themselves: `make rules`.

Below a line `<!-- rules: AUTH CLIENT -->` stand the rules of those kinds; all else on the page is
written by hand, and stays.
"""

import os
import re
from pathlib import Path
from typing import Final

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "mailhost.settings")
if __name__ == "__main__":
    django.setup()

from apps.scan.base import Action
from apps.scan.catalogue import RULES
from apps.scan.queries import usual
from apps.scan.rulebook import Rule

PAGE: Final = Path(__file__).parent.parent / "docs/spam-rules.md"
_TABLE: Final = re.compile(r"^<!-- rules: ([A-Z ]+) -->\n(?:\|.*\n)*", re.MULTILINE)
_ASKS: Final = {
    Action.JUNK: "goes to Junk",
    Action.DEFER: "waits",
    Action.QUARANTINE: "quarantine",
    Action.REFUSE: "refused, or quarantine",
}


def filled(page: str) -> str:
    """The page with its tables as the rules are now.

    Raises:
        ValueError: no table, or more than one, is about the kind of a rule.
    """
    kinds = [kind for found in _TABLE.finditer(page) for kind in found[1].split()]
    for rule in RULES:
        if kinds.count(_kind(rule)) != 1:
            raise ValueError(f"{kinds.count(_kind(rule))} tables have room for {rule.name}")
    return _TABLE.sub(lambda found: _table(found[1]), page)


def _table(kinds: str) -> str:
    rules = [rule for rule in RULES if _kind(rule) in kinds.split()]
    lines = [
        f"<!-- rules: {kinds} -->",
        "| rule | points | what is true of the message |",
        "|---|---|---|",
    ]
    lines += [f"| `{rule.name}` | {_counts(rule)} | {rule.means} |" for rule in rules]
    return "".join(f"{line}\n" for line in lines)


def _counts(rule: Rule) -> str:
    asks = _ASKS.get(rule.action, "")
    return ": ".join(filter(None, (usual(rule) if rule.points or not asks else "", asks)))


def _kind(rule: Rule) -> str:
    return rule.name.partition("_")[0]


if __name__ == "__main__":
    PAGE.write_text(filled(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
