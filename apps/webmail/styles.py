"""CSS of mail, made harmless: an allow-list of properties, and of functions in their values.

What comes out loads nothing but what `pictures` gives an address of ours, and draws nothing outside
its own box: no `position`, no `content`, no at-rule but `@media`.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import tinycss2

DEEPEST_CSS = 8
LONGEST_DECLARATIONS = 20_000  # characters of one style attribute
LARGEST_DATA_IMAGE = 500_000
DATA_IMAGES = tuple(f"data:image/{kind};base64," for kind in ("png", "gif", "jpeg", "jpg", "webp"))

_PROPERTIES = frozenset(
    """
    background background-color background-image background-position background-repeat
    background-size border border-bottom border-bottom-color
    border-bottom-left-radius border-bottom-right-radius border-bottom-style border-bottom-width
    border-collapse border-color border-left border-left-color border-left-style
    border-left-width border-radius border-right border-right-color border-right-style
    border-right-width border-spacing border-style border-top border-top-color
    border-top-left-radius border-top-right-radius border-top-style border-top-width
    border-width box-sizing caption-side clear color direction display empty-cells float font
    font-family font-size font-style font-variant font-weight height letter-spacing line-height
    list-style list-style-position list-style-type margin margin-bottom margin-left margin-right
    margin-top max-height max-width min-height min-width opacity overflow-wrap padding
    padding-bottom padding-left padding-right padding-top table-layout text-align
    text-decoration text-indent text-transform vertical-align visibility white-space width
    word-break word-spacing word-wrap
    """.split()
)
# No quote, bracket, backslash or white space: it cannot end the `url("")` that it is put into.
_PLAIN_ADDRESS = re.compile(r"[A-Za-z0-9/_.~:?=&%+;,-]+")
_FUNCTIONS = frozenset({"rgb", "rgba", "hsl", "hsla", "calc", "min", "max", "clamp"})
# Where an address of a picture may stand.
_PICTURES = frozenset({"background", "background-image", "list-style", "list-style-image"})
# What a sheet of its own is drawn with: mail that has none of them looks like plain text.
_DESIGN = frozenset({"background", "background-color", "background-image", "color"})


@dataclass(slots=True)
class Addresses:
    """What becomes of the addresses of pictures in a message.

    Args:
        inline: addresses of `cid:` images by Content-ID without angle brackets.
        outside: gives the address of ours at which a picture from outside is; None if they are off.
        refused: those that were left out.
        is_designed: colours of its own were seen.
    """

    inline: Mapping[str, str]
    outside: Callable[[str], str] | None = None
    refused: set[str] = field(default_factory=set)
    is_designed: bool = False

    def of(self, source: str) -> str | None:
        """The address that takes the place of one that was written; None for none."""
        if source[:4].lower() == "cid:":
            found = self.inline.get(source[4:].strip("<>"))
            return None if found is None else str(found)
        if source[:40].lower().startswith(DATA_IMAGES) and len(source) <= LARGEST_DATA_IMAGE:
            return source
        if self.outside is not None and (address := self.outside(source)):
            return address
        self.refused.add(source[:2000])
        return None


def clean_declarations(text: str, addresses: Addresses | None = None) -> str:
    """A style attribute with only allowed properties whose values load nothing."""
    found = tinycss2.parse_blocks_contents(text[:LONGEST_DECLARATIONS])
    return "; ".join(_declarations(found, addresses or Addresses({})))


def clean_stylesheet(text: str, addresses: Addresses | None = None) -> str:
    """Style rules with plain selectors, and @media around them; every other at-rule is dropped."""
    addresses = addresses or Addresses({})
    rules = tinycss2.parse_stylesheet(text, skip_comments=True, skip_whitespace=True)
    kept: list[str] = []
    for rule in rules:
        if rule.type == "qualified-rule":
            kept += _rule(rule, addresses)
        elif rule.type == "at-rule" and rule.lower_at_keyword == "media" and rule.content:
            inner = tinycss2.parse_rule_list(rule.content, skip_comments=True, skip_whitespace=True)
            nested = [
                line
                for one in inner
                if one.type == "qualified-rule"
                for line in _rule(one, addresses)
            ]
            if nested and _is_harmless(rule.prelude):
                condition = tinycss2.serialize(rule.prelude).strip()
                kept.append(f"@media {condition} {{ {' '.join(nested)} }}")
    css = "\n".join(kept)
    # Nothing that is left may end the style element that it will stand in.
    return "" if "<" in css else css


def _rule(rule: Any, addresses: Addresses) -> list[str]:
    if not _is_harmless(rule.prelude):
        return []
    declarations = _declarations(tinycss2.parse_blocks_contents(rule.content), addresses)
    selector = tinycss2.serialize(rule.prelude).strip()
    return [f"{selector} {{ {'; '.join(declarations)} }}"] if declarations and selector else []


def _declarations(nodes: list[Any], addresses: Addresses) -> list[str]:
    kept = []
    for node in nodes:
        if node.type != "declaration" or node.lower_name not in _PROPERTIES:
            continue
        if node.lower_name in _PICTURES:
            text = _with_pictures(node.value, addresses)
        else:
            text = tinycss2.serialize(node.value).strip() if _is_harmless(node.value) else ""
        if text:
            addresses.is_designed |= node.lower_name in _DESIGN
            important = " !important" if node.important else ""
            kept.append(f"{node.lower_name}: {text}{important}")
    return kept


def _with_pictures(nodes: list[Any], addresses: Addresses) -> str:
    """A value whose addresses are ours, or gone; "" if anything else in it would load."""
    pieces: list[str] = []
    run: list[Any] = []  # serialised together, so that no two of them grow into one
    for node in nodes:
        source = _address(node)
        if source is None:
            run.append(node)
            continue
        if not _is_harmless(run):
            return ""
        pieces.append(tinycss2.serialize(run).strip())
        run = []
        if (ours := addresses.of(source)) and _PLAIN_ADDRESS.fullmatch(ours):
            pieces.append(f'url("{ours}")')
    if not _is_harmless(run):
        return ""
    pieces.append(tinycss2.serialize(run).strip())
    return " ".join(piece for piece in pieces if piece)


def _address(node: Any) -> str | None:
    """What `url(x)` and `url("x")` name; None for all else."""
    if node.type == "url":
        return str(node.value).strip()
    if node.type == "function" and node.lower_name == "url":
        inside = [one for one in node.arguments if one.type not in {"whitespace", "comment"}]
        if len(inside) == 1 and inside[0].type == "string":
            return str(inside[0].value).strip()
    return None


def _is_harmless(nodes: list[Any]) -> bool:
    """No address, no unknown function, no deep nesting. A loop: mail decides the depth."""
    waiting = [(node, 0) for node in nodes]
    while waiting:
        node, depth = waiting.pop()
        if depth > DEEPEST_CSS or node.type in {"url", "error", "at-keyword"}:
            return False
        if node.type == "function":
            if node.lower_name not in _FUNCTIONS:
                return False
            waiting += [(inner, depth + 1) for inner in node.arguments]
        elif node.type in {"() block", "[] block", "{} block"}:
            waiting += [(inner, depth + 1) for inner in node.content]
    return True
