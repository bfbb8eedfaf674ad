"""The code in mail that brings one: to sign in, to confirm an address. Pure.

Careful rather than complete: a number is a code only beside a word that says so, in a message that
is not old, and never if it may be an amount, a date, a time, a telephone number or a part of
something longer. What is quoted is not looked at: the code of last week is no code.
"""

import re
from typing import Final

TEXT_MAX: Final = 6_000  # characters of the message looked at
FRESH: Final = 3 * 86_400  # seconds; no code works longer
_NEAR: Final = 80  # characters between the word and the code
_FOUND_MAX: Final = 40  # candidates looked at

_WORDS: Final = re.compile(
    r"(?i)\b(?:"
    r"(?:\w+)?codes?|passcode|otp|tan|pin|verification|verify|one[- ]time|sign[- ]?in|log[- ]?in"
    r"|security number|confirmation"
    r"|best\u00e4tigungs\w*|einmal\w*|sicherheitscode|anmelde\w*|freigabe\w*"  # de
    r"|\u043a\u043e\u0434\w{0,3}|\u043f\u0430\u0440\u043e\u043b\w{0,3}"  # uk, ru
    r"|\u043f\u0456\u0434\u0442\u0432\u0435\u0440\u0434\w*"
    r"|\u043f\u043e\u0434\u0442\u0432\u0435\u0440\u0436\w*"
    r"|c\u00f3digo|codice|kod|koodi|k\u00f3d|cod\w{0,2}"  # es, pt, it, pl, sv, fi, cs, hu, ro
    r"|\u9a8c\u8bc1\u7801|\u9a57\u8b49\u78bc|\u8a8d\u8a3c\u30b3\u30fc\u30c9|\uc778\uc99d\ubc88\ud638"
    r")(?!\w)"
)
# Words that make a number something else.
_OTHER: Final = re.compile(
    r"(?i)\b(?:zip|postal|post|area|country|promo\w*|discount|coupon|voucher|gutschein\w*|rabatt\w*"
    r"|order|invoice|tracking|rechnung\w*|bestell\w*|kunden\w*|customer|error|status|source|dress"
    r"|\u0437\u0430\u043c\u043e\u0432\u043b\w*|\u0440\u0430\u0445\u0443\u043d\w*|\u043f\u0440\u043e\u043c\u043e\w*|qr|bar|iban|bic|sort)\b"
)
_CODE: Final = re.compile(
    r"(?<![\w.,:/@#&=%+$\u20ac\u00a3-])"
    r"(?P<code>[0-9]{4,8}|[0-9]{3}[ -][0-9]{3}|[A-Z]-[0-9]{4,8}"
    r"|(?=[A-Z0-9-]{0,9}[0-9])(?=[A-Z0-9-]{0,9}[A-Z])[A-Z0-9]{2,5}-[A-Z0-9]{2,5}|(?=[A-Z]{0,7}[0-9])(?=[0-9]{0,7}[A-Z])[A-Z0-9]{5,8})"
    r"(?![\w%@/\u20ac\u00a3$-]|[.,:][0-9])"
)
_YEAR: Final = re.compile(r"(?:19|20)[0-9]{2}")
_DAY: Final = re.compile(r"(?:19|20)[0-9]{2}(?:0[1-9]|1[0-2])(?:0[1-9]|[12][0-9]|3[01])")
_MONEY: Final = re.compile(
    r"(?i)\s{0,2}(?:eur|usd|gbp|chf|uah|pln|\u0433\u0440\u043d|\u20b4|\u20ac|\u00a3|\$|euro?s?\b|dollars?\b)"
)
_BEFORE_MONEY: Final = re.compile(
    r"(?i)(?:eur|usd|gbp|chf|uah|pln|\u20b4|\u20ac|\u00a3|\$)\s{0,2}\Z"
)
_PHONE: Final = re.compile(
    r"(?i)(?:\+[0-9 ()/-]{1,20}|tel\w*|phone|fax|call|anruf\w*|mobil\w*)[ .:]{0,3}\Z"
)
_LINE_OF_CODE: Final = re.compile(r"\n[ \t*]*\Z")


def find(subject: str, text: str) -> str:
    """The code of a message, "" if it has none or more than one that may be meant.

    Args:
        text: what the sender wrote, without what is quoted.
    """
    in_subject = _codes(subject[:300])
    if len(in_subject) == 1:
        return in_subject[0]
    says_so = _WORDS.search(subject[:300]) is not None
    found = _codes(text[:TEXT_MAX], says_so=says_so)
    return found[0] if len(found) == 1 else ""


def _codes(text: str, *, says_so: bool = False) -> list[str]:
    """The codes that stand beside a word for one, each once.

    Args:
        says_so: the subject says that there is a code: then one that has a line alone counts.
    """
    places = [word.span() for word in _WORDS.finditer(text)]
    if not places and not says_so:
        return []
    found: dict[str, None] = {}
    for number, match in enumerate(_CODE.finditer(text)):
        if number == _FOUND_MAX:
            break
        start, end = match.span()
        if _is_something_else(text, match["code"], start, end):
            continue
        if _is_near(text, places, start, end) or (says_so and _has_own_line(text, start, end)):
            found[match["code"]] = None
    return list(found)


def _is_near(text: str, places: list[tuple[int, int]], start: int, end: int) -> bool:
    for first, last in places:
        gap = text[last:start] if last <= start else text[end:first] if end <= first else None
        if gap is None or len(gap) > _NEAR:
            continue
        # A code follows its word; before it only in the same sentence ("123456 is your code").
        if last <= start and not re.search(r"[.!?]\s", gap):
            return True
        if end <= first and "\n" not in gap and not re.search(r"[.!?;]\s", gap):
            return True
    return False


def _has_own_line(text: str, start: int, end: int) -> bool:
    line_end = text.find("\n", end)
    rest = text[end : line_end if line_end >= 0 else len(text)]
    return _LINE_OF_CODE.search(f"\n{text[:start]}"[-40:]) is not None and not rest.strip(" \t\r*.")


def _is_something_else(text: str, code: str, start: int, end: int) -> bool:
    before, after = text[max(0, start - 40) : start], text[end : end + 12]
    if _YEAR.fullmatch(code) or _DAY.fullmatch(code):
        return True
    if _MONEY.match(after) or _BEFORE_MONEY.search(before) or _PHONE.search(before):
        return True
    if re.match(r"[ ]?[-/.(][ ]?[0-9(]|[ ][0-9]{2}", after) or re.search(r"[0-9)][ -/]\Z", before):
        return True  # a piece of a longer number
    return _OTHER.search(before) is not None
