"""How an element looks, as far as it decides whether its words can be read. Pure.

From its attributes and the simple rules of style sheets. What is not understood hides nothing.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Final

STYLE_MAX: Final = 2_000  # characters of one style attribute looked at
CLASSES_MAX: Final = 10  # classes of one element looked at
STYLES_MAX: Final = 2_000  # different ones remembered of one page
TINY: Final = 2.5  # pixels; below that nothing can be read
CLOSE: Final = 30  # sum of the differences of red, green and blue that no eye sees as text
FAR: Final = -400  # pixels outside of what is shown

_DECLARATION: Final = re.compile(r"([a-z-]{3,30})\s*+:\s*+([^;]{1,200}+)")
_NUMBER: Final = re.compile(r"(-?[0-9]{0,6}(?:\.[0-9]{1,6})?)\s*+(px|pt|em|rem|%|)")
_HEX: Final = re.compile(r"#([0-9a-f]{6}|[0-9a-f]{3})(?![0-9a-f])")
_RGB: Final = re.compile(r"rgba?\(\s*+([0-9]{1,3})\s*+,\s*+([0-9]{1,3})\s*+,\s*+([0-9]{1,3})")
_NAMED: Final = {
    "white": 0xFFFFFF,
    "black": 0x000000,
    "silver": 0xC0C0C0,
    "gray": 0x808080,
    "grey": 0x808080,
    "red": 0xFF0000,
    "green": 0x008000,
    "blue": 0x0000FF,
    "yellow": 0xFFFF00,
    "whitesmoke": 0xF5F5F5,
    "snow": 0xFFFAFA,
    "ivory": 0xFFFFF0,
    "ghostwhite": 0xF8F8FF,
}
_PIXELS: Final = {"px": 1.0, "": 1.0, "pt": 4 / 3, "em": 16.0, "rem": 16.0, "%": 0.16}


@dataclass(frozen=True, slots=True)
class Look:
    """What an element hands down to what is in it.

    Args:
        gone: how it is hidden for good, whatever is said further in; "" if it is not.
        unseen: `visibility: hidden`, which an inner element may revoke.
        ink, paper: colours 0xRRGGBB; None: not known, as before a picture.
        size: of letters, pixels.
        hidden: how words are hidden here; "" if they can be read.
    """

    gone: str = ""
    unseen: bool = False
    ink: int | None = 0x000000
    paper: int | None = 0xFFFFFF
    size: float = 16.0

    hidden: str = field(default="", init=False, compare=False)

    def __post_init__(self) -> None:
        # Asked for every word of a page, which has few looks.
        object.__setattr__(self, "hidden", self._hidden())

    def _hidden(self) -> str:
        if self.gone:
            return self.gone
        if self.unseen:
            return "display"
        if self.size < TINY:
            return "size"
        if self.ink is None or self.paper is None:
            return ""
        return "colour" if _is_close(self.ink, self.paper) else ""


def _is_close(ink: int, paper: int) -> bool:
    """Whether two colours are too close to be told apart."""
    return sum(abs((ink >> n & 255) - (paper >> n & 255)) for n in (0, 8, 16)) <= CLOSE


PLAIN: Final = Look()


class Sheet:
    """The looks of one page; what the same style makes of the same look is computed once.

    Args:
        rules: declarations by `.class` and `tag`.
    """

    def __init__(self, rules: Mapping[str, str]) -> None:
        self._rules = rules
        self._known: dict[tuple[Look, str], Look] = {}

    def look(self, outer: Look, tag: str, attributes: Mapping[str, str | None]) -> Look:
        """How an element looks within `outer`."""
        ruled = self._ruled(tag, attributes) if self._rules else ""
        if not attributes:
            return self._styled(outer, ruled) if ruled else outer
        looked = outer
        if "hidden" in attributes:
            looked = replace(looked, gone="display")
        if paper := attributes.get("bgcolor"):
            looked = replace(looked, paper=_colour(paper.lower(), looked.paper))
        if "background" in attributes:
            looked = replace(looked, paper=None)
        if ink := attributes.get("color") or attributes.get("text"):
            looked = replace(looked, ink=_colour(ink.lower(), looked.ink))
        style = ruled + (attributes.get("style") or "")[:STYLE_MAX].lower()
        return self._styled(looked, style) if style else looked

    def _ruled(self, tag: str, attributes: Mapping[str, str | None]) -> str:
        """What style sheets say of an element: of its classes rather than of its tag."""
        names = [f".{one}" for one in (attributes.get("class") or "").lower().split()[:CLASSES_MAX]]
        found = [self._rules[name] for name in (tag, *names) if name in self._rules]
        return "".join(f"{one};" for one in found)

    def _styled(self, outer: Look, style: str) -> Look:
        key = (outer, style)
        found = self._known.get(key)
        if found is None:
            found = _apply(outer, dict(_DECLARATION.findall(style)))
            if len(self._known) < STYLES_MAX:
                self._known[key] = found
        return found


def _apply(outer: Look, said: Mapping[str, str]) -> Look:
    looked = outer
    gone = outer.gone or _gone(said)
    if gone != outer.gone:
        looked = replace(looked, gone=gone)
    if visibility := said.get("visibility"):
        looked = replace(looked, unseen=visibility.startswith(("hidden", "collapse")))
    if size := said.get("font-size"):
        looked = replace(looked, size=_size(size, outer.size))
    if ink := said.get("color"):
        looked = replace(looked, ink=_colour(ink, outer.ink))
    paper = said.get("background-color") or said.get("background")
    if paper:
        looked = replace(looked, paper=_colour(paper, outer.paper))
    if "url(" in said.get("background", "") or "background-image" in said:
        looked = replace(looked, paper=None)
    return looked


def _gone(said: Mapping[str, str]) -> str:
    if said.get("display", "").startswith("none") or said.get("mso-hide", "").startswith("all"):
        return "display"
    if _is_zero(said.get("opacity", ""), 0.05):
        return "colour"
    if said.get("overflow", "").startswith("hidden") and any(
        _is_zero(said.get(key, ""), 1.5) for key in ("max-height", "height", "width", "max-width")
    ):
        return "clip"
    if _pixels(said.get("text-indent", ""), 0.0) <= FAR or (
        said.get("position", "").startswith(("absolute", "fixed", "relative"))
        and any(_pixels(said.get(key, ""), 0.0) <= FAR for key in ("left", "top", "margin-left"))
    ):
        return "place"
    return ""


def _is_zero(value: str, below: float) -> bool:
    return bool(value) and 0 <= _pixels(value, -1.0) < below


def _pixels(value: str, otherwise: float) -> float:
    """A length in pixels; `otherwise` if it is none."""
    found = _NUMBER.match(value)
    if found is None or found[1] in {"", "-"}:
        return otherwise
    return float(found[1]) * _PIXELS[found[2]]


def _size(value: str, outer: float) -> float:
    found = _NUMBER.match(value)
    if found is None or found[1] in {"", "-"}:
        return outer if outer >= TINY else 16.0  # `small`, `inherit` …
    number = float(found[1])
    if found[2] == "em":
        return number * outer
    if found[2] == "%":
        return number * outer / 100
    return number * _PIXELS[found[2]]


def _colour(value: str, outer: int | None) -> int | None:
    """The colour a value names; None if it names one that is not known."""
    if (found := _HEX.search(value)) is not None:
        digits = found[1]
        if len(digits) == 3:
            digits = "".join(digit * 2 for digit in digits)
        return int(digits, 16)
    if (found := _RGB.search(value)) is not None:
        red, green, blue = (min(int(one), 255) for one in found.groups())
        return red << 16 | green << 8 | blue
    word = value.split(None, 1)[0].rstrip("!") if value.strip() else ""
    if word in {"transparent", "inherit", "initial", "none"}:
        return outer
    return _NAMED.get(word)
