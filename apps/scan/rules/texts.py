"""Rules about what the words say, in several languages. Pure.

A long text holds a phrase of every trade by chance, so the longer it is the more of them are asked
for. Phrases that honest companies write as well (an account, a parcel, a renewal) count for more
where nothing proves who wrote them.
"""

import re
from hashlib import sha256
from typing import Final

from apps.mime.address import take_apart
from apps.scan.rules.book import Book
from apps.scan.rules.phrases import Family
from apps.scan.rules.scripts import disguised_words
from apps.scan.rules.seen import TEXT_MAX, Seen

BOOK: Final = Book()

SHORT: Final = 150  # words
LONG: Final = 1_500  # words for which one phrase more is asked
FILES: Final = (".zip", ".7z", ".rar", ".iso", ".img", ".gz", ".ace", ".htm", ".html", ".shtml")
FILES_LESS: Final = (".svg", ".one", ".vhd", ".cab", ".lzh", ".arj", ".js", ".lnk", ".url")

_BITCOIN: Final = re.compile(r"bc1[ac-hj-np-z02-9]{38,59}|[13][1-9A-HJ-NP-Za-km-z]{25,34}")
_BITCOIN_LEAST: Final = 26  # characters
_AROUND: Final = ".,:;!?()[]<>\"'*"
_BASE58: Final = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
_LEET: Final = re.compile(
    r"v[i1!|l][a@4]gr[a@4]|c[i1!|l][a@4]l[i1!|l][s5$]|lev[i1!|l]tr[a@4]|v[a@4][l1!|][i1!|l]um",
    re.IGNORECASE,
)
_PHONE: Final = re.compile(r"\+?\d[ ().-]{0,3}(?:\d[ ().-]{0,3}){8,13}\d")
_GREETING: Final = re.compile(
    r"^[^\S\n]*+(?:dear|hello|hi|hey|good day|hallo|guten tag|sehr geehrte[rs]?|liebe[rs]?|bonjour|"
    r"cher|chère|hola|estimado|estimada|ciao|gentile|olá|prezado|здравствуйте|уважаемый)[^\S\n]++"
    r"([\w.+-]{3,64}(?:@[\w.-]{3,100})?)[^\S\n]*+[,!:.]?[^\S\n]*+$",
    re.IGNORECASE | re.MULTILINE,
)
_CODE: Final = re.compile(
    r"(?<![\w.,/#-])(?:\d{4,8}|\d{3}[ -]\d{3}|[A-Z0-9]{1,2}-\d{4,8}|(?=[A-Z0-9]*\d)[A-Z0-9]{6,8})"
    r"(?![\w/]|[.,]\d)"
)


def _says(seen: Seen, family: Family, least: int) -> bool:
    """Whether a message holds enough of a family for its length, and not only what says little."""
    count = len(seen.words)
    wanted = least - 1 if count < SHORT else least
    if seen.weight(family) < wanted + count // LONG:
        return False
    return any(phrase.startswith("!") for phrase in seen.phrases[family])


@BOOK.rule("TEXT_ADVANCE_FEE", 3.0, "it offers an inheritance, a fund, millions, for a fee before")
def advance_fee(seen: Seen) -> str | None:
    if not _says(seen, Family.ADVANCE_FEE, 4):
        return None
    return f"it reads as offers of an advance fee do: {seen.quoted(Family.ADVANCE_FEE)}"


@BOOK.rule("TEXT_LOTTERY", 2.0, "it says that the reader has won or was chosen for a reward")
def lottery(seen: Seen) -> str | None:
    if not _says(seen, Family.LOTTERY, 3):
        return None
    return f"it promises a prize: {seen.quoted(Family.LOTTERY)}"


@BOOK.rule("TEXT_PILLS", 2.5, "it sells pills")
def pills(seen: Seen) -> str | None:
    if not _says(seen, Family.PILLS, 3):
        return None
    return f"it sells pills: {seen.quoted(Family.PILLS)}"


@BOOK.rule("TEXT_PILLS_DISGUISED", 3.0, "it writes the name of a pill so that filters miss it")
def pills_disguised(seen: Seen) -> str | None:
    for token in [*seen.letter.subject.split(), *seen.tokens]:
        if 5 <= len(token) <= 12 and not token.isalpha():
            word = token.strip(_AROUND)
            if not word.isalpha() and _LEET.fullmatch(word):
                return f"it disguises a word: “{word}”"
    return None


@BOOK.rule(
    "TEXT_BLACKMAIL", 4.0, "it threatens to publish something shameful, and wants to be paid"
)
def blackmail(seen: Seen) -> str | None:
    if not _says(seen, Family.BLACKMAIL, 7):
        return None
    if "bitcoin" not in seen.folded and "btc" not in seen.folded and "биткоин" not in seen.folded:
        return None
    return f"it reads as blackmail does: {seen.quoted(Family.BLACKMAIL)}"


@BOOK.rule("TEXT_BITCOIN_ADDRESS", 1.0, "it names a Bitcoin address to pay to")
def bitcoin_address(seen: Seen) -> str | None:
    for token in seen.tokens:
        if len(token) < _BITCOIN_LEAST:
            continue
        word = token.strip(_AROUND)
        if _BITCOIN.fullmatch(word) and (word.startswith("bc1") or _is_base58check(word)):
            return f"it names a Bitcoin address: {word}"
    return None


def _is_base58check(text: str) -> bool:
    """Whether the checksum of a Bitcoin address holds: many words that look like one are none."""
    number = 0
    for letter in text:
        number = number * 58 + _BASE58.index(letter)
    octets = number.to_bytes(32, "big")[-25:]
    return sha256(sha256(octets[:-4]).digest()).digest()[:4] == octets[-4:]


@BOOK.rule("TEXT_INVESTMENT", 2.0, "it promises money without work or risk")
def investment(seen: Seen) -> str | None:
    if not _says(seen, Family.INVESTMENT, 4):
        return None
    return f"it promises easy money: {seen.quoted(Family.INVESTMENT)}"


@BOOK.rule("TEXT_LOAN", 2.0, "it offers loans")
def loan(seen: Seen) -> str | None:
    if not _says(seen, Family.LOAN, 4):
        return None
    return f"it offers loans: {seen.quoted(Family.LOAN)}"


@BOOK.rule("TEXT_DATING", 2.5, "it offers women, or sex")
def dating(seen: Seen) -> str | None:
    if not _says(seen, Family.DATING, 3):
        return None
    return f"it offers acquaintances: {seen.quoted(Family.DATING)}"


@BOOK.rule(
    "TEXT_SEARCH_ENGINE", 2.0, "it offers places in search engines, links, lists of addresses"
)
def search_engine(seen: Seen) -> str | None:
    if not _says(seen, Family.SEARCH_ENGINE, 4):
        return None
    return f"it offers places in search engines: {seen.quoted(Family.SEARCH_ENGINE)}"


@BOOK.rule("TEXT_SALES", 1.2, "it presses the reader to buy: order now, no risk, limited time …")
def sales(seen: Seen) -> str | None:
    # None of these says much, and many together do.
    if seen.weight(Family.SALES) < 4 + len(seen.words) // LONG:
        return None
    return f"it presses the reader to buy: {seen.quoted(Family.SALES)}"


@BOOK.rule(
    "TEXT_EXCUSE",
    1.5,
    "it says that it is no spam, or to write back to be removed, as mail nobody asked for does",
    incoming=True,
)
def excuse(seen: Seen) -> str | None:
    if not seen.phrases.get(Family.EXCUSE) or seen.letter.has("list-unsubscribe"):
        return None
    if len(seen.words) > 2 * LONG or seen.letter.replies_to:
        return None  # a discussion of spam
    return f"it excuses itself: {seen.quoted(Family.EXCUSE)}"


@BOOK.rule("TEXT_EXCLAIMS", 0.7, "it has ten exclamation marks or more, one for every 40 words")
def exclaims(seen: Seen) -> str | None:
    count = seen.text.count("!")
    if count < 10 or 40 * count < len(seen.words):
        return None
    return f"it has {count} exclamation marks"


def _lures_account(seen: Seen) -> bool:
    return seen.has_web_link and _says(seen, Family.ACCOUNT, 3)


@BOOK.rule("TEXT_ACCOUNT_LURE", 1.0, "it wants an account confirmed or unlocked behind a link")
def account_lure(seen: Seen) -> str | None:
    if not _lures_account(seen):
        return None
    return f"it wants an account confirmed: {seen.quoted(Family.ACCOUNT)}"


@BOOK.rule(
    "TEXT_ACCOUNT_LURE_UNPROVEN",
    2.5,
    "as TEXT_ACCOUNT_LURE, and nothing proves who wrote it",
    incoming=True,
)
def account_lure_unproven(seen: Seen) -> str | None:
    if not seen.is_unproven or not _lures_account(seen):
        return None
    return f"it wants an account confirmed, and nothing proves that it is from {_whom(seen)}"


def _whom(seen: Seen) -> str:
    return seen.person.domain or "anybody"


@BOOK.rule(
    "TEXT_MAILBOX_LURE",
    2.5,
    "it says that a mailbox is full or a password expires, and is from no server of its reader's",
)
def mailbox_lure(seen: Seen) -> str | None:
    if not seen.has_web_link or not _says(seen, Family.MAILBOX, 3):
        return None
    # Administrators tell their own users so.
    if seen.person.domain in seen.ours and seen.is_proven and not _leaves(seen):
        return None
    return f"it is not from whom the mailbox is with: {seen.quoted(Family.MAILBOX)}"


def _leaves(seen: Seen) -> bool:
    """Whether a user of ours sends it to somebody elsewhere."""
    return seen.case.is_outgoing and len(seen.case.readers) < len(seen.case.recipients)


@BOOK.rule("TEXT_PARCEL_LURE", 1.5, "it wants a fee paid or an address confirmed for a parcel")
def parcel_lure(seen: Seen) -> str | None:
    if not seen.has_web_link or not _says(seen, Family.PARCEL, 3):
        return None
    return f"it speaks of a parcel that waits: {seen.quoted(Family.PARCEL)}"


@BOOK.rule(
    "TEXT_INVOICE_LURE",
    1.5,
    "a few words about an invoice or document, with an archive or a web page to open",
)
def invoice_lure(seen: Seen) -> str | None:
    if not seen.phrases.get(Family.INVOICE) or len(seen.words) > SHORT:
        return None
    for part in seen.letter.files[:20]:
        if part.name.lower().endswith(FILES + FILES_LESS):
            return f"it says {seen.quoted(Family.INVOICE)}, and brings {part.name[:80]}"
    return None


@BOOK.rule(
    "TEXT_ERRAND",
    3.0,
    "a short letter, as from a superior, about gift cards, a transfer, a changed bank account",
    incoming=True,
)
def errand(seen: Seen) -> str | None:
    if len(seen.words) > SHORT or seen.has_web_link or seen.is_bulk:
        return None
    if seen.weight(Family.ERRAND) < 2 or not (seen.is_from_freemail or seen.is_unproven):
        return None
    return f"it sends the reader on an errand: {seen.quoted(Family.ERRAND)}"


@BOOK.rule(
    "TEXT_CALL_BACK",
    2.5,
    "it says that something was charged, and to call a number; a free mail provider sent it, or"
    " nothing proves who did",
    incoming=True,
)
def call_back(seen: Seen) -> str | None:
    if not (seen.is_from_freemail or seen.is_unproven) or not _says(seen, Family.CALL_BACK, 5):
        return None
    number = _PHONE.search(seen.text)
    if number is None:
        return None
    return f"it wants to be called at {number[0]}: {seen.quoted(Family.CALL_BACK)}"


@BOOK.rule("TEXT_URGENT", 0.8, "it hurries the reader, about an account, a mailbox or a parcel")
def urgent(seen: Seen) -> str | None:
    if not seen.phrases.get(Family.URGENCY) or not seen.has_web_link:
        return None
    lures = (Family.ACCOUNT, Family.MAILBOX, Family.PARCEL)
    if sum(map(seen.weight, lures)) < 2 + len(seen.words) // LONG:
        return None
    return f"it hurries the reader: {seen.quoted(Family.URGENCY)}"


@BOOK.rule(
    "TEXT_GREETS_ADDRESS",
    1.0,
    "it greets the reader by address, or by what stands before the @",
    incoming=True,
)
def greets_address(seen: Seen) -> str | None:
    names = {reader.written.casefold() for reader in seen.case.readers[:5]}
    locals_ = {take_apart(name)[0] for name in names}
    for found in _GREETING.finditer(seen.text[:2_000]):
        called = found[1].casefold().rstrip(".")
        # A first name may well be an address: only what nobody is called counts.
        if called in names or (called in locals_ and re.search(r"[\d._+-]", called)):
            return f"it greets the reader as “{found[1][:80]}”"
    return None


@BOOK.rule("TEXT_CAPITALS", 0.7, "most of its letters are capitals")
def capitals(seen: Seen) -> str | None:
    text = seen.text[:5_000]
    letters = sum(map(str.isalpha, text))
    if letters < 200:
        return None
    upper, lower = sum(map(str.isupper, text)), sum(map(str.islower, text))
    if upper <= 0.6 * (upper + lower) or upper + lower < 0.8 * letters:
        return None
    return f"{round(100 * upper / (upper + lower))} % of its letters are capitals"


@BOOK.rule(
    "TEXT_DISGUISED",
    2.5,
    "letters of another script or invisible characters disguise three words or more",
)
def disguised(seen: Seen) -> str | None:
    # `letter.text` has lost what cannot be seen.
    words = disguised_words(f"{seen.letter.visible[:TEXT_MAX]}\n{seen.letter.plain}")
    distinct = dict.fromkeys(words)
    if len(distinct) < 3:
        return None
    shown = ", ".join(f"“{word}”" for word in list(distinct)[:3])
    return f"{len(distinct)} of its words are disguised: {shown}"


@BOOK.rule(
    "LOGIN_CODE",
    -1.5,
    "a short message with a code to sign in with, and a proof of who sent it",
    incoming=True,
)
def login_code(seen: Seen) -> str | None:
    if not seen.is_proven or len(seen.words) > 2 * SHORT or not seen.phrases.get(Family.CODE):
        return None
    found = _CODE.search(f"{seen.letter.subject}\n{seen.text}")
    if found is None or _is_lure(seen):
        return None
    return "it brings a code to sign in with"


@BOOK.rule(
    "ORDER_CONFIRMED",
    -0.5,
    "it confirms an order, a booking or a payment, and there is a proof of who sent it",
    incoming=True,
)
def order_confirmed(seen: Seen) -> str | None:
    if not seen.is_proven or not seen.phrases.get(Family.ORDER) or _is_lure(seen):
        return None
    return f"it confirms an order: {seen.quoted(Family.ORDER)}"


def _is_lure(seen: Seen) -> bool:
    """Whether it also says what those say who only pretend: nothing speaks for it then."""
    harmful = (Family.BLACKMAIL, Family.LOTTERY, Family.PILLS, Family.ADVANCE_FEE)
    return any(seen.weight(family) >= 2 for family in (*harmful, Family.INVESTMENT, Family.LOAN))
