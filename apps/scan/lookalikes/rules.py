"""The rules about names that imitate others."""

from typing import Final

from apps.scan.lookalikes.names import Kind
from apps.scan.rulebook import Rule

_OURS: Final = "a domain of the reader's organisation"
_KNOWN: Final = "a domain to which the reader writes"
_BRAND: Final = "a well-known brand"
_NEAR: Final = "is one letter away from, or adds a word such as `login` to, the name of"
_ENDING: Final = "is the name, with another ending, of"
_PLACES: Final = {
    "AUTHOR": "the domain in From",
    "REPLY": "the domain in Reply-To",
    "LINK": "the domain of a link",
}

# By place and whom it imitates: the points for looking the same, nearly the same, another ending.
_POINTS: Final = {
    ("AUTHOR", "OURS", _OURS): (4.0, 2.0, 0.7),
    ("AUTHOR", "KNOWN", _KNOWN): (3.5, 1.5),
    ("AUTHOR", "BRAND", _BRAND): (3.0, 1.5),
    ("REPLY", "OURS", _OURS): (4.0, 2.0, 0.7),
    ("REPLY", "KNOWN", _KNOWN): (3.5, 1.5),
    ("REPLY", "BRAND", _BRAND): (3.0, 1.5),
    ("LINK", "OURS", _OURS): (3.5, 1.5),
    ("LINK", "KNOWN", _KNOWN): (2.5, 1.0),
    ("LINK", "BRAND", _BRAND): (3.0, 1.5),
}
_MEANS: Final = {Kind.LIKE: "looks like that of", Kind.NEAR: _NEAR, Kind.ENDING: _ENDING}

AUTHOR_NAMES_BRAND: Final = Rule(
    "AUTHOR_NAMES_BRAND",
    1.8,
    "the display name in From is that of a well-known brand, and the address is not of that brand",
)
_BY_NAME: Final = {
    rule.name: rule
    for (place, whose, target), points in _POINTS.items()
    for kind, value in zip((Kind.LIKE, Kind.NEAR, Kind.ENDING), points, strict=False)
    for rule in [
        Rule(f"{place}_{kind.upper()}_{whose}", value, f"{_PLACES[place]} {_MEANS[kind]} {target}")
    ]
}
_SCRIPTS: Final = {
    rule.name: rule
    for place, where in _PLACES.items()
    for rule in (
        Rule(f"{place}_MIXED_SCRIPTS", 3.0, f"{where} mixes scripts, as no language does"),
        Rule(f"{place}_READS_LATIN", 2.5, f"{where} is not Latin, and cannot be told from Latin"),
    )
}
RULES: Final = (*_BY_NAME.values(), *_SCRIPTS.values(), AUTHOR_NAMES_BRAND)


def rule_for(place: str, kind: Kind, whose: str) -> Rule | None:
    """The rule for a likeness, None where that is nothing to speak of.

    Args:
        place: AUTHOR, REPLY, LINK.
        whose: OURS, KNOWN, BRAND.
    """
    return _BY_NAME.get(f"{place}_{kind.upper()}_{whose}")


def mixed_scripts(place: str) -> Rule:
    """The rule for a name that mixes scripts."""
    return _SCRIPTS[f"{place}_MIXED_SCRIPTS"]


def reads_latin(place: str) -> Rule:
    """The rule for a name of another script that reads as Latin."""
    return _SCRIPTS[f"{place}_READS_LATIN"]
