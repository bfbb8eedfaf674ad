"""Rules about how the body is made. Pure."""

import re
from typing import Final

from apps.scan.letter import Part
from apps.scan.rules.book import Book
from apps.scan.rules.seen import Seen

BOOK: Final = Book()

# Not whole here, or this very file would be refused by filters: https://spamassassin.apache.org/gtube
GTUBE: Final = "".join(
    ("XJS*C4JDBQADN1.NSBN3*2IDNEN*", "GTUBE-STANDARD-", "ANTI-UBE-TEST-EMAIL", "*C.34X")
)
SOURCE_MAX: Final = 200_000  # characters of HTML
_BROKEN: Final = re.compile(
    r"[A-Za-z]<!--[^<>]{0,200}-->[A-Za-z]|[A-Za-z]<([a-zA-Z]{1,10})></\1>[A-Za-z]"
)
HIDDEN_LEAST: Final = 400  # letters: previews hide a hundred
ALTERNATIVE_LEAST: Final = 40  # different words
_WORD_LEAST: Final = 4  # letters of a word that is compared


@BOOK.rule("GTUBE", 100.0, "it holds the test text on which every filter agrees (GTUBE)")
def gtube(seen: Seen) -> str | None:
    letter = seen.letter
    if GTUBE in letter.plain or GTUBE in letter.visible:
        return "it holds the test text that every spam filter refuses (GTUBE)"
    return None


@BOOK.rule("BODY_EMPTY", 0.8, "it has no text, no picture and no file")
def empty(seen: Seen) -> str | None:
    letter = seen.letter
    if letter.files or letter.text.strip() or any(page.images for page in letter.pages):
        return None
    return "it has no text"


@BOOK.rule("BODY_IMAGE_ONLY", 2.0, "a picture to click on, and hardly a word")
def image_only(seen: Seen) -> str | None:
    letter = seen.letter
    if not any(page.images for page in letter.pages) or not seen.has_web_link:
        return None
    words = sum(len(page.visible.split()) for page in letter.pages)
    return f"it is a picture with a link, and has {words} words" if words < 12 else None


@BOOK.rule("BODY_ONLY_LINK", 0.8, "a link, and hardly a word")
def only_link(seen: Seen) -> str | None:
    letter = seen.letter
    if letter.files or not seen.has_web_link or any(page.images for page in letter.pages):
        return None
    text = letter.text
    if len(text) > 2_000:
        return None
    for link in letter.links[:20]:
        text = text.replace(link.text or link.href, " ").replace(link.href, " ")
    words = [word for word in text.split() if any(map(str.isalpha, word))]
    # Where words are not divided by blanks, letters are counted.
    if len(words) > 4 or sum(map(len, words)) > 40:
        return None
    return "it is a link, and hardly anything else"


@BOOK.rule(
    "BODY_HIDDEN_TEXT",
    2.5,
    "much of its text cannot be seen: too small, of the colour behind it, outside of the page",
)
def hidden_text(seen: Seen) -> str | None:
    letter = seen.letter
    if len(letter.hidden) < HIDDEN_LEAST:
        return None
    ways = frozenset[str]().union(*(page.ways for page in letter.pages))
    hidden, visible = _letters(letter.hidden), _letters(letter.visible)
    # `display: none` holds what other screens are shown, in honest newsletters too.
    if not ways - {"display"} and not (visible < 100 and hidden > 3 * HIDDEN_LEAST):
        return None
    if hidden < HIDDEN_LEAST or 2 * hidden < visible:
        return None
    return f"{hidden} letters of its text are hidden from its reader, {visible} are not"


def _letters(text: str) -> int:
    return sum(map(str.isalnum, text))


@BOOK.rule(
    "BODY_TEXTS_DIFFER", 1.5, "its plain text and its HTML are about something quite different"
)
def texts_differ(seen: Seen) -> str | None:
    letter = seen.letter
    if len(letter.sources) != 1 or not letter.plain:
        return None
    plain, page = _vocabulary(letter.plain), _vocabulary(letter.visible)
    if min(len(plain), len(page)) < ALTERNATIVE_LEAST:
        return None
    shared = len(plain & page) / min(len(plain), len(page))
    if shared > 0.1:
        return None
    return f"its plain text and its HTML share {round(100 * shared)} % of their words"


def _vocabulary(text: str) -> set[str]:
    words = text[:8_000].casefold().split()
    return {word for word in words if len(word) >= _WORD_LEAST and word.isalpha()}


@BOOK.rule("BODY_HTML_ALONE", 0.3, "it is HTML, and has no plain text beside it")
def html_alone(seen: Seen) -> str | None:
    texts = seen.letter.texts
    is_alone = len(texts) == 1 and texts[0].type == "text/html"
    return "it has no plain text beside its HTML" if is_alone else None


@BOOK.rule("BODY_NEEDLESS_BASE64", 0.3, "plain ASCII text stands in base64")
def needless_base64(seen: Seen) -> str | None:
    for part in seen.letter.texts[:5]:
        if part.encoding == "base64" and part.size > 100 and _is_plain(part):
            return f"part {part.path} is plain ASCII in base64"
    return None


def _is_plain(part: Part) -> bool:
    return part.content(20_000).isascii() and "16" not in part.charset


@BOOK.rule("BODY_ACTIVE", 0.5, "its HTML has a script, a frame, or something else that runs")
def active(seen: Seen) -> str | None:
    found = frozenset[str]().union(*(page.active for page in seen.letter.pages)) - {
        "password",
        "form",
    }
    return f"its HTML has what runs: {', '.join(sorted(found))}" if found else None


@BOOK.rule("BODY_PASSWORD", 3.0, "its HTML asks for a password, right in the message")
def password(seen: Seen) -> str | None:
    is_asked = any("password" in page.active for page in seen.letter.pages)
    return "its HTML has a field for a password" if is_asked else None


@BOOK.rule("BODY_BROKEN_WORDS", 2.5, "comments or empty elements stand within words of its HTML")
def broken_words(seen: Seen) -> str | None:
    count = sum(len(_BROKEN.findall(source[:SOURCE_MAX])) for source in seen.letter.sources[:3])
    return f"its HTML has {count} words that are broken by what nobody sees" if count >= 3 else None


@BOOK.rule("BODY_ENDLESS", 0.7, "its HTML begins with `<html>` and has no end")
def endless(seen: Seen) -> str | None:
    for source in seen.letter.sources:
        head, tail = source[:500].lower(), source[-2_000:].lower()
        if "<html" in head and "</html" not in tail and "</body" not in tail:
            return "its HTML has no end"
    return None


@BOOK.rule("BODY_HTML_AS_TEXT", 1.5, "its plain text is the source of a web page")
def html_as_text(seen: Seen) -> str | None:
    head = seen.letter.plain[:500].lstrip().lower()
    if not head.startswith(("<html", "<!doctype html", "<body")):
        return None
    return "its plain text is the source of a web page"


@BOOK.rule("BODY_DAMAGED", 0.9, "its structure is broken, or beyond what anybody makes")
def damaged(seen: Seen) -> str | None:
    return "; ".join(seen.letter.body_damage[:3]) or None
