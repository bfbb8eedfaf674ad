"""Style sheets of a page, as far as they decide what can be read: plain rules about tags and
classes. Pure, linear.

`.x`, `p` and `p.x` are understood, what is in `@media` is not for everybody and left out. Of every
other selector that sets colours, the classes and tags are remembered as of unknown colour: nothing
is taken for hidden because of a colour that is not known.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Final

SHEETS_MAX: Final = 128 * 1024  # characters of all sheets
RULES_MAX: Final = 1_000  # selectors that are kept
BODY_MAX: Final = 500  # characters of the declarations of a rule
UNKNOWN: Final = "background-image:url("

_COMMENT: Final = re.compile(r"/\*.*?(?:\*/|\Z)", re.DOTALL)
_BRACE: Final = re.compile(r"([^{}]*+)([{}])")
_SIMPLE: Final = re.compile(r"(?:([a-z][a-z0-9]{0,15})|[a-z0-9]{0,16}(\.[\w-]{1,100}))")
_NAME: Final = re.compile(r"\.[\w-]{1,100}|(?<![\w.#:-])[a-z][a-z0-9]{0,15}(?![\w(])")


def read_sheets(text: str) -> Mapping[str, str]:
    """Declarations by `.class` and `tag`, lower case."""
    found: dict[str, str] = {}
    text = _COMMENT.sub("", text[:SHEETS_MAX].lower().replace("<!--", "").replace("-->", ""))
    for selectors, body in _rules(text):
        for selector in selectors.split(","):
            for name, said in _meant(selector.strip(), body):
                found[name] = f"{found[name]};{said}"[: 4 * BODY_MAX] if name in found else said
        if len(found) >= RULES_MAX:
            break
    return found


def _rules(text: str) -> Iterator[tuple[str, str]]:
    """Selectors and declarations of the rules that stand in no other block."""
    depth = 0
    prelude = ""
    for match in _BRACE.finditer(text):
        inside, brace = match.groups()
        if brace == "{":
            depth += 1
            if depth == 1:
                prelude = inside.rpartition(";")[2].strip()
            continue
        if depth == 1 and not prelude.startswith("@"):
            yield prelude, inside.strip()[:BODY_MAX]
        depth = max(depth - 1, 0)


def _meant(selector: str, body: str) -> Iterator[tuple[str, str]]:
    simple = _SIMPLE.fullmatch(selector)
    if simple is not None:
        yield simple[1] or simple[2], body
    elif "color" in body or "background" in body:
        for name in _NAME.findall(selector[:300]):
            yield name, UNKNOWN
