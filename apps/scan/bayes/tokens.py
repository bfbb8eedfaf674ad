"""What the statistical filter sees of a message: tokens, each a name and a narrow number. Pure.

Words and pairs of neighbours of the text as a reader sees it, words of the subject, and facts of
header, links and parts under a prefix of their own (`from:`, `link:`, `field:` …): whence it came,
how it was made, where it points to. Any language:
letters of scripts that are written without blanks (Chinese, Japanese, Thai …) count by twos.

Only what every copy of a message has: no field that a mailbox, an archive or a filter has added, so
that a message taught from a file and the same message at the door have the same tokens. Bounded by
`MOST`, and linear in the first and last characters of the text.
"""

import re
from collections.abc import Iterable, Iterator
from enum import IntEnum
from functools import lru_cache
from itertools import islice, pairwise
from typing import Final
from zlib import crc32

from apps.mailauth.suffixes import organisational
from apps.mime.address import take_apart
from apps.scan.letter import Letter

MOST_WORDS: Final = 256
MOST_FACTS: Final = 128
MOST_LINKS: Final = 64
MOST: Final = 576
"""Tokens of a message: pairs of words get the room that all others leave."""
HEAD, TAIL = 24_000, 8_000  # characters of a long text that are looked at
LONG: Final = 24  # characters; a longer word is only known to be long
NAME: Final = 64  # characters of a name
FIELDS: Final = 64  # fields whose names count
HOPS: Final = 4  # Received fields whose addresses count
ORDERED: Final = 32  # fields whose order counts

# Marks that belong to the letters before them, which Python's \w leaves out.
_MARKS: Final = (
    "\u0300-\u036f\u0483-\u0487\u0591-\u05c7\u0610-\u061a\u064b-\u065f\u0900-\u0dff"
    "\u0e31-\u0e4e\u0eb1-\u0ece\u0f18-\u0fbc\u1000-\u109f\u1780-\u17d3"
)
_WORD: Final = re.compile(f"[$€£¥₹₽₿]?[^\\W_][\\w{_MARKS}]*(?:['\u2019][\\w{_MARKS}]+)?")
_DENSE: Final = re.compile(
    "[\u0e00-\u0eff\u0f00-\u0fff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff"
    "\U00020000-\U0003134f]"
)
_DIGIT: Final = re.compile(r"\d")
_HOST: Final = re.compile(r"(?:[a-z][a-z0-9+.-]{0,20}:)?//(?:[^/@\\?#]*@)?([^/:?#\\\s]{1,253})")
_MAIL: Final = re.compile(r"mailto:[^?@]{1,200}@([^?,\s]{1,253})", re.IGNORECASE)
_RUN: Final = re.compile(r"[A-Za-z0-9]+")
_LISTS: Final = frozenset(
    b"list-help list-subscribe list-post list-archive list-owner list-unsubscribe list-id sender"
    b" x-beenthere x-mailman-version errors-to precedence".split()
)
_ADDRESS: Final = re.compile(rb"[\[(](?:::ffff:)?((?:\d{1,3}\.){3})\d{1,3}[\])]")
_HELO: Final = re.compile(rb"from\s+([A-Za-z0-9-]{1,63}\.[A-Za-z0-9.-]{1,190})")
_GREETING: Final = re.compile(rb"from\s+(\S{1,80})")
_PROTOCOL: Final = re.compile(rb"\swith\s+([A-Za-z]{1,20})")
_PRIVATE: Final = (b"10.", b"127.", b"192.168.", b"169.254.", b"0.")
_PARTED: Final = re.compile(r"\bboundary\s*=.*", re.IGNORECASE | re.DOTALL)
_WRITTEN: Final = ("content-type", "content-transfer-encoding", "mime-version")
_EXTENSION: Final = re.compile(r"\.([A-Za-z0-9]{1,8})\s*$")

# Fields that a mailbox, an archive, another filter or the way of one copy has put in.
_NOT_ITS_OWN: Final = re.compile(
    rb"received|return-path|delivered-to|envelope-to|x-original-to|x-envelope|x-spam|x-bogo"
    rb"|x-virus|delivery-date|x-rspamd|x-amavis|x-ham|x-dspam|x-greylist|x-scanned|authentication-results|arc-"
    rb"|received-spf|dkim|status|x-status|x-uid|x-imap|x-keywords|x-mozilla|x-folder|x-gmail"
    rb"|x-evolution|x-label|x-loop|x-getmail|x-ms-exchange-organization|x-microsoft-antispam"
    rb"|x-forefront|x-received|x-google-smtp-source|x-pstn|x-barracuda|x-proofpoint|x-ironport"
    rb"|content-length|lines|x-account-key|mailing-list-mode"
)


class Kind(IntEnum):
    """What tokens are evidence of. Those of one kind say much the same again and again, those of
    different kinds hardly."""

    TEXT = 0
    ORIGIN = 1
    SHAPE = 2
    LINKS = 3


_KINDS: Final = {
    **dict.fromkeys(
        "from from-domain from-name reply-to list mailer zone id id-form net via helo with".split(),
        Kind.ORIGIN,
    ),
    **dict.fromkeys("to part charset file html field order date written".split(), Kind.SHAPE),
    **dict.fromkeys("link link-domain mailto".split(), Kind.LINKS),
}

Tokens = dict[int, str]
"""Names by key, in the order in which they were found."""


def key_of(name: str) -> int:
    """The number that a name is kept under: signed, 32 bits.

    A checksum and no keyed hash: it is four times as fast, and whoever makes a word collide with a
    good one gains no more than by writing the good one.
    """
    return crc32(name.encode("utf-8", "surrogatepass")) - 0x8000_0000


def tokens(letter: Letter) -> Tokens:
    """The tokens of a message: at most `MOST`."""
    text = letter.text
    if len(text) > HEAD + TAIL:
        text = f"{text[:HEAD]}\n{text[-TAIL:]}"
    found = dict.fromkeys(islice(_facts(letter), 4 * MOST_FACTS))
    names = list(islice(found, MOST_FACTS))
    names += islice(dict.fromkeys(_links(letter)), MOST_LINKS)
    words = list(_words(text))
    names += islice(dict.fromkeys(_told(words)), MOST_WORDS)
    names += islice(dict.fromkeys(_pairs(words)), MOST - len(names))
    return {key_of(name): name for name in names}


def kind_of(name: str) -> Kind:
    """What it is evidence of."""
    prefix, colon, _ = name.partition(":")
    return _KINDS.get(prefix, Kind.TEXT) if colon else Kind.TEXT


def parts_of(name: str) -> tuple[str, ...]:
    """The names that say part of the same: of a pair its two words, of two letters of a script
    without blanks each of them (a word of four stands there as three twos), of a host in a link its
    domain; none for others."""
    if name.startswith("link:"):
        return name, f"link-domain:{_organisation(name[5:])}"[:NAME]
    prefix, colon, rest = name.rpartition(":")
    first, blank, second = rest.partition(" ")
    if len(rest) == 2 and _DENSE.match(rest):
        first, blank, second = rest[0], " ", rest[1]
    if not blank or prefix not in {"", "subject"}:
        return ()
    return prefix + colon + first, prefix + colon + second


def _words(text: str) -> Iterator[str]:
    """All words in order, lower case; digits made alike, so that prices and years are one word."""
    for word in _WORD.findall(text.casefold()):
        if word.isalpha():  # most of them
            yield word
        elif word.lstrip("$€£¥₹₽₿").isdecimal():
            yield _DIGIT.sub("0", word)[:8]
        else:
            yield word


def _told(words: Iterable[str]) -> Iterator[str]:
    for word in words:
        if word.isascii():
            if 1 < len(word) <= LONG:
                yield word
            elif len(word) > LONG:
                yield f"long:{min(len(word) // 8 * 8, 96)}"
        elif _DENSE.match(word):
            yield from (word[at : at + 2] for at in range(max(min(len(word), 200) - 1, 1)))
        elif len(word) <= LONG:
            yield word


def _pairs(words: Iterable[str]) -> Iterator[str]:
    for first, second in pairwise(words):
        if len(first) <= LONG and len(second) <= LONG and not _is_dense(first, second):
            yield f"{first} {second}"


def _is_dense(first: str, second: str) -> bool:
    if first.isascii() and second.isascii():
        return False
    return _DENSE.match(first) is not None or _DENSE.match(second) is not None


def _facts(letter: Letter) -> Iterator[str]:
    words = list(_words(letter.subject))
    yield from (f"subject:{word}" for word in _told(words))
    yield from (f"subject:{pair}" for pair in _pairs(words))
    author = letter.author
    if author.domain:
        yield _short(f"from:{author.address}")
        yield _short(f"from-domain:{_organisation(author.domain)}")
    yield from (f"from-name:{word}" for word in islice(_told(_words(author.name)), 8))
    for person in letter.reply_to[:1]:
        if person.domain != author.domain:
            yield _short(f"reply-to:{_organisation(person.domain)}")
    yield from _ids(letter)
    yield f"to:{min(len(letter.addressees), 8)}"
    yield from _way(letter)
    yield from _shape(letter)
    fields = [name.decode("ascii", "replace") for name in _field_names(letter)]
    yield from (_short(f"field:{name}") for name in dict.fromkeys(fields))
    # Programs write their fields in an order of their own, whatever they claim to be.
    yield from (_short(f"order:{one} {next_}") for one, next_ in pairwise(fields[:ORDERED]))


def _ids(letter: Letter) -> Iterator[str]:
    if letter.has("list-id"):
        yield _short(f"list:{_like(letter.text_of('list-id').rpartition('<')[2])}")
    for field in ("x-mailer", "user-agent"):
        if letter.has(field):
            yield _short(f"mailer:{_like(letter.text_of(field))}")
    if letter.date:
        yield f"zone:{letter.date.offset_minutes}"
        written = letter.header.last(b"date") or b""
        yield _short(f"date:{_form(written[:40].decode('ascii', 'replace'))}")
    local, domain = take_apart(letter.message_id[-300:])
    yield _short(f"id:{_organisation(domain.casefold())}")
    yield _short(f"id-form:{_form(local)}")


def _like(text: str) -> str:
    """Text in which one version is as the next."""
    return _DIGIT.sub("0", text.casefold().strip(" <>"))


def _form(local: str) -> str:
    """How something is written, which programs do each in their own way: the runs in it."""
    return _RUN.sub(_run, local[:80])


def _run(found: re.Match[str]) -> str:
    run = found[0]
    kind = "0" if run.isdecimal() else "a" if run.islower() else "A" if run.isupper() else "x"
    return f"{kind}{min(len(run), 9)}"


def _way(letter: Letter) -> Iterator[str]:
    """The networks and hosts that the message came through before it came to us."""
    block = letter.header
    hops = (field for field in block.fields if field.name == b"received")
    for field in islice(hops, HOPS):
        end = min(field.end, field.value_start + 500)
        found = _ADDRESS.search(block.raw, field.value_start, end)
        if found and not found[1].startswith(_PRIVATE):
            yield f"net:{found[1].decode()}"
        host = _HELO.match(block.raw, field.value_start, end)
        if host:
            yield _short(f"via:{_organisation(host[1].decode().lower())}")
        greeting = _GREETING.match(block.raw, field.value_start, end)
        if greeting:
            yield _short(f"helo:{_form(greeting[1].decode('ascii', 'replace'))}")
        protocol = _PROTOCOL.search(block.raw, field.value_start, end)
        if protocol:
            yield f"with:{protocol[1].decode().lower()}"


def _shape(letter: Letter) -> Iterator[str]:
    for part in letter.parts[:16]:
        yield _short(f"part:{part.type}")
        if part.charset and part.is_text:
            yield _short(f"charset:{part.charset.casefold()}")
        for name in part.names[:1]:
            ending = _EXTENSION.search(name[-40:])
            yield f"file:{ending[1].casefold() if ending else ''}"
    # How fields are written that all say the same: quotes, capitals, order of what is in them.
    for field in _WRITTEN:
        value = (letter.header.last(field.encode()) or b"")[:200].decode("ascii", "replace")
        if value:
            yield _short(f"written:{field} {' '.join(_PARTED.sub('boundary', value).split())}")
    if letter.hidden:
        yield "html:hidden"
    images = sum(link.place == "image" for link in letter.links)
    if images:
        yield f"html:images {min(images, 10) // 5}"


def _field_names(letter: Letter) -> Iterator[bytes]:
    names = (field.name for field in islice(letter.header.fields, FIELDS))
    return (name for name in names if not _NOT_ITS_OWN.match(name) and name not in _LISTS)


def _links(letter: Letter) -> Iterator[str]:
    for link in letter.links:
        href = link.href[:2_000].casefold()
        found = _HOST.match(href)
        if found:
            host = found[1].rstrip(".")
            yield _short(f"link:{host}")
            yield _short(f"link-domain:{_organisation(host)}")
        elif mail := _MAIL.match(href):
            yield _short(f"mailto:{_organisation(mail[1])}")


@lru_cache(maxsize=4_096)
def _organisation(domain: str) -> str:
    return organisational(domain) if domain else ""


def _short(name: str) -> str:
    return name[:NAME]
