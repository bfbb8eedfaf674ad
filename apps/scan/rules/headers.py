"""Rules about how the header is made. Pure.

Programs that people write mail with make proper headers; programs that are hastily written to send
a million do not always. No rule here is more than a hint: old devices send honest mail too.
"""

import re
from datetime import UTC, datetime, timedelta
from typing import Final

from apps.mime.address import take_apart
from apps.mime.charset import codec_for
from apps.mime.dates import parse_date
from apps.scan.rules.book import Book
from apps.scan.rules.seen import Seen

BOOK: Final = Book()

TO_MANY: Final = 40
_AHEAD: Final = timedelta(days=1)
_BEHIND: Final = timedelta(days=30)
_CHARSET: Final = re.compile(rb"=\?([A-Za-z0-9_.:-]{2,40})(?:\*[A-Za-z-]{0,20})?\?[BbQq]\?")
_APPLE_ID: Final = re.compile(r"[0-9A-F]{8}(?:-[0-9A-F]{4}){3}-[0-9A-F]{12}@[^@\s]+")
_ANSWER: Final = re.compile(
    r"(?:re|aw|sv|antw|odp|vs|rv|res)\s?(?:\[\d+\])?\s?:\s?\S", re.IGNORECASE
)
_YES: Final = re.compile(r"\s*(?:yes|true|spam)\b", re.IGNORECASE)
_SCRIPTS: Final = {  # of charsets that only one kind of writing has
    "gb18030": "Chinese",
    "big5": "Chinese",
    "big5hkscs": "Chinese",
    "hz": "Chinese",
    "cp950": "Chinese",
    "cp932": "Japanese",
    "euc_jp": "Japanese",
    "iso2022_jp_ext": "Japanese",
    "cp949": "Korean",
    "iso2022_kr": "Korean",
    "koi8-r": "Cyrillic",
    "koi8-u": "Cyrillic",
    "cp1251": "Cyrillic",
    "iso8859-5": "Cyrillic",
    "cp1253": "Greek",
    "iso8859-7": "Greek",
    "cp1255": "Hebrew",
    "iso8859-8": "Hebrew",
    "cp1256": "Arabic",
    "iso8859-6": "Arabic",
    "cp874": "Thai",
    "cp1258": "Vietnamese",
}


@BOOK.rule("HEADER_NONE", 3.0, "it has no header at all")
def no_header(seen: Seen) -> str | None:
    return None if seen.letter.header.fields else "it has no header"


@BOOK.rule("HEADER_NO_DATE", 1.2, "it has no Date field")
def no_date(seen: Seen) -> str | None:
    header = seen.letter.header
    return (
        "it does not say when it was written"
        if header.fields and not header.count(b"date")
        else None
    )


@BOOK.rule("HEADER_BAD_DATE", 1.5, "its Date field is no date")
def bad_date(seen: Seen) -> str | None:
    if seen.letter.date is not None or not seen.letter.has("date"):
        return None
    return f"its date is no date: “{seen.letter.text_of('date')[:60]}”"


@BOOK.rule("HEADER_FUTURE_DATE", 2.0, "it was written more than a day after it came, it says")
def future_date(seen: Seen) -> str | None:
    date = seen.letter.date
    if date is None or date.utc - _came(seen) <= _AHEAD:
        return None
    return f"it says that it will be written on {date.local_date.isoformat()}"


@BOOK.rule("HEADER_OLD_DATE", 1.0, "it was written more than 30 days before it came, it says")
def old_date(seen: Seen) -> str | None:
    date = seen.letter.date
    if date is None or _came(seen) - date.utc <= _BEHIND:
        return None
    return f"it says that it was written on {date.local_date.isoformat()}"


def _came(seen: Seen) -> datetime:
    return datetime.fromtimestamp(seen.case.received_at_us / 1e6, UTC)


@BOOK.rule("HEADER_NO_ID", 1.0, "it has no Message-ID", incoming=True)
def no_id(seen: Seen) -> str | None:
    header = seen.letter.header
    return "it has no Message-ID" if header.fields and not header.count(b"message-id") else None


@BOOK.rule("HEADER_BAD_ID", 1.0, "its Message-ID is none: it has no brackets, or no domain")
def bad_id(seen: Seen) -> str | None:
    if not seen.letter.has("message-id"):
        return None
    local, host = take_apart(seen.letter.message_id)
    if local and host and host not in {"localhost", "127.0.0.1"}:
        return None
    return f"its Message-ID is no proper one: “{seen.letter.text_of('message-id')[:80]}”"


@BOOK.rule("HEADER_NO_TO", 0.6, "it names nobody whom it is for: no To, Cc or Bcc")
def no_to(seen: Seen) -> str | None:
    header = seen.letter.header
    if not header.fields or any(header.count(name) for name in (b"to", b"cc", b"bcc")):
        return None
    return "it does not say whom it is for"


@BOOK.rule("HEADER_HIDDEN_TO", 0.7, "all whom it is for are hidden (`undisclosed-recipients:;`)")
def hidden_to(seen: Seen) -> str | None:
    if seen.letter.addressees or not seen.letter.has("to") or seen.is_bulk:
        return None
    return "it does not name those whom it is for"


@BOOK.rule("HEADER_MANY_TO", 1.0, "it names 40 people or more whom it is for, and is from no list")
def many_to(seen: Seen) -> str | None:
    count = len(seen.letter.addressees)
    if count < TO_MANY or seen.is_bulk or seen.person.domain in seen.ours:
        return None
    return f"it names {count} people whom it is for"


@BOOK.rule("HEADER_DOUBLED", 1.5, "a field that may stand once stands twice: From, Subject, Date …")
def doubled(seen: Seen) -> str | None:
    return next((one for one in seen.letter.header_damage if one.endswith(" fields")), None)


@BOOK.rule("HEADER_DAMAGED", 1.5, "its header has NUL octets")
def damaged(seen: Seen) -> str | None:
    if not seen.letter.header.fields:
        return None
    return next((one for one in seen.letter.header_damage if not one.endswith(" fields")), None)


@BOOK.rule("HEADER_NOT_ENCODED", 0.8, "Subject or From hold octets that are no text (RFC 2047)")
def not_encoded(seen: Seen) -> str | None:
    for name in (b"subject", b"from"):
        value = seen.letter.header.last(name) or b""
        if value.isascii():
            continue
        try:
            value.decode("utf-8")
        except UnicodeDecodeError:
            return f"its {name.decode().title()} field holds octets that are no text"
    return None


@BOOK.rule(
    "HEADER_CHARSET_MIX",
    1.5,
    "header and text are written in character sets of different writings: Cyrillic and Chinese",
)
def charset_mix(seen: Seen) -> str | None:
    names = {one[1].lower() for one in _CHARSET.finditer(_shown_fields(seen))}
    names.update(part.charset.lower().encode("latin-1") for part in seen.letter.texts[:10])
    found = {_SCRIPTS[codec] for name in names if (codec := codec_for(name)) in _SCRIPTS}
    if len(found) < 2:
        return None
    return f"it is written in character sets for {' and for '.join(sorted(found))}"


def _shown_fields(seen: Seen) -> bytes:
    header = seen.letter.header
    return b" ".join((header.last(name) or b"")[:4_000] for name in (b"subject", b"from"))


@BOOK.rule(
    "HEADER_FALSE_ANSWER", 0.4, "its subject says that it is an answer, and it answers nothing"
)
def false_answer(seen: Seen) -> str | None:
    letter = seen.letter
    if not _ANSWER.match(letter.subject) or letter.has("in-reply-to") or letter.has("references"):
        return None
    if letter.has("thread-index") or seen.is_bulk:  # Outlook's own way to say what it answers
        return None
    return f"it is no answer, and its subject is “{letter.subject[:80]}”"


@BOOK.rule(
    "HEADER_FALSE_PROGRAM",
    2.0,
    "it says that it was written with a program (Outlook Express, Apple Mail) whose marks it lacks",
)
def false_program(seen: Seen) -> str | None:
    program = seen.letter.text_of("x-mailer")
    is_express = program.startswith("Microsoft Outlook Express") and "Macintosh" not in program
    if is_express and not seen.letter.has("x-mimeole"):
        return f"it was not written with {program[:60]}, as it says: that adds X-MimeOLE"
    message_id = seen.letter.message_id
    if not program.startswith(("Apple Mail", "iPhone Mail", "iPad Mail")) or not message_id:
        return None
    if _APPLE_ID.fullmatch(message_id):
        return None
    return f"it was not written with {program[:60]}, as it says: its Message-ID differs"


@BOOK.rule(
    "HEADER_FALSE_RECEIVED",
    1.2,
    "a Received field has no date, or one more than a day after it came",
    incoming=True,
)
def false_received(seen: Seen) -> str | None:
    latest = _came(seen) + _AHEAD
    for value in seen.letter.header.all(b"received")[:30]:
        text, semicolon, date = value.rpartition(b";")
        when = parse_date(date)
        if not semicolon or not text or when is None:
            return f"a Received field has no date: “{_shown(value)}”"
        if when.utc > latest:
            return f"a Received field has a date to come: {when.local_date.isoformat()}"
    return None


def _shown(value: bytes) -> str:
    return value[:80].decode("ascii", "replace")


@BOOK.rule(
    "HEADER_CALLED_SPAM",
    1.5,
    "a server that had it before says that it is spam (X-Spam-Flag, X-Spam-Status, X-Spam)",
    incoming=True,
)
def called_spam(seen: Seen) -> str | None:
    for name in ("x-spam-flag", "x-spam-status", "x-spam"):
        if _YES.match(seen.letter.text_of(name)):
            return f"a server before us says that it is spam ({name.title()})"
    return None


@BOOK.rule("HEADER_URGENT", 0.5, "it says that it is more important than other mail", incoming=True)
def urgent(seen: Seen) -> str | None:
    letter = seen.letter
    if letter.text_of("x-priority").startswith("1") or letter.text_of("importance") == "high":
        return "it says that it is more important than other mail"
    return None
