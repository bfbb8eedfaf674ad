"""Reads what messages are threaded by, and writes the THREAD answer.

Of each message a few numbers are kept: hashes of Message-IDs and of the base subject, and two
dates. Pages are read, and the threads made, on database threads.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from apps.imap.context import Context
from apps.mime.collation import collated
from apps.imap.proto.sort import Algorithm
from apps.imap.proto.subject import base_subject
from apps.imap.search.conversations import (
    NO_ID,
    NO_SUBJECT,
    Material,
    by_references,
    by_references_alone,
    ordered_subject,
    thread_line,
)
from apps.imap.search.finding import PAGE, Found, Progress
from apps.mailstore import queries
from apps.runtime.db import in_db

_MESSAGE_ID: Final = re.compile(r"<([^<>]+)>")
_QUOTED: Final = re.compile(r'"((?:[^"\\]|\\.)*+)"')
_UNESCAPE: Final = re.compile(r"\\(.)")
_BLANKS: Final = re.compile(r"\s+")

_MAKE: Final = {
    Algorithm.ORDEREDSUBJECT: ordered_subject,
    Algorithm.REFERENCES: by_references,
    Algorithm.REFS: by_references_alone,
}
_SUBJECT_COLUMNS: Final = ("subject", "sent_seconds", "internaldate")
_COLUMNS: Final = {
    Algorithm.ORDEREDSUBJECT: _SUBJECT_COLUMNS,
    Algorithm.REFERENCES: (*_SUBJECT_COLUMNS, "rfc822_message_id", "in_reply_to", "references"),
    Algorithm.REFS: (
        "sent_seconds",
        "internaldate",
        "rfc822_message_id",
        "in_reply_to",
        "references",
    ),
}


async def threaded(context: Context, found: Found, algorithm: Algorithm, *, uid: bool) -> bytes:
    """Return the THREAD line of a result."""
    material = Material()
    progress, total = Progress(context), len(found.places)
    mailbox_id = found.subject.view.mirror.mailbox_id
    for start in range(0, total, PAGE):
        uids = found.numbers(found.places[start : start + PAGE], uid=True)
        material.extend(await in_db("read", read_material, mailbox_id, uids, algorithm))
        await progress.note(start + len(uids), total)
    numbers = found.numbers(found.places, uid=uid)
    return await in_db("read", _line, material, algorithm, numbers)


def _line(material: Material, algorithm: Algorithm, numbers: Sequence[int]) -> bytes:
    return thread_line(_MAKE[algorithm](material), numbers)


def read_material(mailbox_id: int, uids: Sequence[int], algorithm: Algorithm) -> Material:
    """Return what some messages (rising) are threaded by; those expunged meanwhile have nothing.
    On a database thread."""
    columns = _COLUMNS[algorithm]
    names = ("uid", *columns)
    rows = {row[0]: row for row in queries.fetch_page(mailbox_id, uids, columns)}
    material = Material()
    for uid in uids:
        row = rows.get(uid)
        if row is None:
            material.add()
            continue
        values = dict(zip(names, row, strict=True))
        arrival, sent = values["internaldate"], values["sent_seconds"]
        subject, is_reply = NO_SUBJECT, False
        if "subject" in values:
            base, is_reply = base_subject(values["subject"])
            subject = hash(collated(base)) if base else NO_SUBJECT
        identifier, references = NO_ID, []
        if "references" in values:
            identifier = _first_id(values["rfc822_message_id"])
            references = _references(values["references"], values["in_reply_to"])
        material.add(
            identifier=identifier,
            references=references,
            subject=subject,
            is_reply=is_reply,
            date=arrival if sent is None else sent,
        )
    return material


def _references(references: str, in_reply_to: str) -> list[int]:
    """All of References, else the first of In-Reply-To (RFC 5256, REFERENCES)."""
    found = [_hashed(one) for one in _MESSAGE_ID.findall(references)]
    if found:
        return found
    first = _first_id(in_reply_to)
    return [first] if first != NO_ID else []


def _first_id(text: str) -> int:
    found = _MESSAGE_ID.search(text)
    return _hashed(found[1]) if found is not None else NO_ID


def _hashed(message_id: str) -> int:
    """The number of a Message-ID, which may be quoted in several ways: case counts, quotes and
    blanks do not. Keyed by the process, so that nobody can make two that are alike."""
    if '"' in message_id or "\\" in message_id:
        message_id = _QUOTED.sub(lambda found: _UNESCAPE.sub(r"\1", found[1]), message_id)
    return hash(_BLANKS.sub("", message_id)) or 1
