"""How a letter begins: new, as an answer, as a message that is sent on. What comes out is what the
composer shows; nothing is stored."""

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from apps.mime.address import Address, AddressError
from apps.mime.composing import plain
from apps.mime.reading import File, Person, Reading
from apps.webmail import writers
from apps.webmail.models import DraftKind
from apps.webmail.writers import Choice
from apps.webmail.writing import importing, quoting
from apps.webmail.writing.fields import Fields
from apps.webmail.writing.quoting import EMPTY

# What programs of many languages put before the subject of an answer, and of what is sent on.
_ANSWERED: Final = re.compile(
    r"(?:\s*(?:re|aw|sv|antw|odp|vs|ynt|rif|ref|res|\u0432\u0456\u0434\u043f|\u043e\u0442\u0432"
    r"|\u0392\u03a3)(?:\[\d{1,4}\])?\s*:)+\s*",
    re.IGNORECASE,
)
_SENT_ON: Final = re.compile(
    r"(?:\s*(?:fwd?|wg|tr|vl|doorst|enc|i|\u043f\u0435\u0440\u0435\u0441\u043b)\s*:)+\s*",
    re.IGNORECASE,
)
_KEPT_SUBJECT: Final = 880  # characters, with what goes before it less than a subject may have


@dataclass(frozen=True, slots=True)
class Beginning:
    """A letter as it begins. `files` of the message that it is begun from go along."""

    fields: Fields
    choice: Choice
    files: tuple[File, ...] = ()


@dataclass(frozen=True, slots=True)
class Writer:
    """Who writes: `own` are the keys of their addresses, `offered` what they may write as."""

    own: Collection[str]
    offered: Sequence[Choice]
    is_plain: bool = False


def new(writer: Writer, typed: Fields) -> Beginning:
    """A letter of its own. Raises SenderNotAllowed: there is no address to write from.

    Args:
        typed: what an address of ours or a link said; its text stands above the signature.
    """
    choice = writers.default(writer.offered)
    html = quoting.from_text(typed.text) if typed.text else ""
    return _begun(writer, choice, replace(typed, html=html), "", "")


def answer(
    kind: str, reading: Reading, inline: Mapping[str, str], writer: Writer, *, again: Sequence[str]
) -> Beginning:
    """A letter that is begun from a message. Raises as `new`.

    Args:
        inline: addresses of the message's pictures, by Content-ID.
        again: for one that is sent once more: who did not get it, () for all.
    """
    if kind == DraftKind.AGAIN:
        return _again(reading, inline, writer, again)
    everybody = [*reading.to, *reading.cc, *reading.bcc]
    choice = writers.addressed(writer.offered, {_key(one) for one in everybody})
    if kind in {DraftKind.REPLY, DraftKind.REPLY_ALL}:
        fields = _addressed(kind, reading, writer.own)
        html, text = quoting.quoted_html(reading, inline), quoting.quoted_text(reading)
        return _begun(writer, choice, fields, html, text)
    fields = Fields(subject=f"Fwd: {_bare(reading.subject, _SENT_ON)}")
    if kind == DraftKind.FORWARD_ATTACHED:
        return _begun(writer, choice, fields, "", "")
    html, text = quoting.forwarded_html(reading, inline), quoting.forwarded_text(reading)
    shown = set(reading.inline.values())
    files = tuple(one for one in reading.files if one.number not in shown)
    return replace(_begun(writer, choice, fields, html, text), files=files)


def _again(
    reading: Reading, inline: Mapping[str, str], writer: Writer, again: Sequence[str]
) -> Beginning:
    fields = importing.fields(reading, inline)
    if again:
        fields = replace(fields, to=", ".join(again), cc="", bcc="")
    choice = writers.default(writer.offered)
    for one in writer.offered:
        if one.key == fields.sender:
            choice = one
    files = tuple(reading.files)
    return Beginning(replace(fields, sender=choice.key), choice, files)


def _addressed(kind: str, reading: Reading, own: Collection[str]) -> Fields:
    """Whom an answer goes to: who wrote, or where they want it; to one's own letter, who got it
    (RFC 5322 section 3.6.3)."""
    is_own = _key(reading.sender) in own
    to = list(reading.to if is_own else reading.reply_to or [reading.sender])
    cc: list[Person] = []
    if kind == DraftKind.REPLY_ALL:
        if is_own:
            cc = list(reading.cc)
        else:
            to += reading.to
            cc = list(reading.cc)
    if not is_own:
        # Who writes to themselves alone answers themselves.
        to = [one for one in to if _key(one) not in own] or to[:1]
    cc = [one for one in cc if _key(one) not in own]
    subject = f"Re: {_bare(reading.subject, _ANSWERED)}"
    found = _each_once(to)
    copies = [one for one in _each_once(cc) if _key(one) not in {_key(other) for other in found}]
    return Fields(to=importing.people(found), cc=importing.people(copies), subject=subject)


def _begun(writer: Writer, choice: Choice, fields: Fields, html: str, text: str) -> Beginning:
    """With the signature: above what is quoted, or below it."""
    sign = choice.signature_html or quoting.from_text(choice.signature_text)
    signed = f"<div data-sig>{sign}</div>"
    written = fields.html or EMPTY
    below = choice.signature_text or plain.worded(choice.signature_html)
    signature = f"\n\n{plain.SIGNATURE}\n{below}" if below.strip() else ""
    pieces = [written, signed if signature else "", EMPTY if html else "", html]
    lines = [fields.text, signature, f"\n\n{text}" if text else ""]
    if html and not choice.is_above_quote:
        pieces = [written, html, signed if signature else ""]
        lines = [lines[0], lines[2], lines[1]]
    made = replace(
        fields,
        sender=choice.key,
        html="".join(pieces),
        text="".join(lines),
        is_plain=writer.is_plain,
    )
    return Beginning(made, choice)


def _bare(subject: str, before: re.Pattern[str]) -> str:
    found = before.match(subject)
    return (subject[found.end() :] if found else subject)[:_KEPT_SUBJECT].strip()


def _key(one: Person) -> str:
    try:
        return Address.parse(one.address).key
    except AddressError:
        return one.address


def _each_once(people: Iterable[Person]) -> list[Person]:
    found: dict[str, Person] = {}
    for one in people:
        if one.address:
            found.setdefault(_key(one), one)
    return list(found.values())
