"""The form in which a verdict is kept: case, what was looked up, what was found, what it came to.

Compressed JSON. `unpack` gives back exactly what `pack` was given, numbers included: JSON as Python
writes it keeps every float. The message itself is not in it.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Final
from uuid import UUID

import zstandard

from apps.scan.base import Case, Reader
from apps.scan.entries import Sender, senders_of
from apps.scan.verdict import Verdict

UNPACKED_MOST: Final = 8 << 20  # octets of JSON: far above what checks may gather
AUTHOR_MOST: Final = 500
SUBJECT_MOST: Final = 300
_LEVEL: Final = 3
_SAME: Final = ("sender", "door", "received_at_us", "user_id", "unscannable")


class BrokenRecordError(ValueError):
    """It is not what `pack` made."""


@dataclass(frozen=True, slots=True)
class Record:
    """A verdict as it is kept.

    Args:
        case: without the message: its `raw` is empty until `with_message`.
        senders: in whose name it came, for lists.
        author, subject: as people read them; "" if there was none.
    """

    case: Case
    verdict: Verdict
    senders: tuple[Sender, ...] = ()
    author: str = ""
    subject: str = ""

    def with_message(self, raw: bytes) -> Case:
        """The case as it was judged."""
        return replace(self.case, raw=raw)


def pack(record: Record) -> bytes:
    """As a row keeps it."""
    case, verdict = record.case, record.verdict
    document = {
        "case": {name: getattr(case, name) for name in _SAME}
        | {
            "id": case.id.hex,
            "trace": case.trace_id.hex,
            "recipients": list(case.recipients),
            "readers": [
                [one.user_id, one.address, one.written, one.domain, one.organization_id]
                for one in case.readers
            ],
            "client": dict(case.client),
            "judgement": dict(case.judgement),
            **({} if case.elsewhere is None else {"elsewhere": list(case.elsewhere)}),
        },
        **verdict.as_data(),
        "standings": verdict.standings_data(),
        "given": dict(verdict.given),
        "senders": [[one.address, one.words, one.is_proven] for one in record.senders],
        "shown": [record.author, record.subject],
    }
    text = json.dumps(document, separators=(",", ":"))
    # A compressor costs 20 microseconds to make; one that is kept must not be shared by threads.
    return zstandard.ZstdCompressor(level=_LEVEL).compress(text.encode())


def record_of(case: Case, verdict: Verdict) -> Record:
    """What is to be kept of a case with its message."""
    senders = senders_of(case)
    if case.unscannable:
        return Record(replace(case, raw=b""), verdict, senders)
    person = case.letter.author
    author = f"{person.name} <{person.address}>" if person.name else person.address
    subject = case.letter.subject[:SUBJECT_MOST]
    return Record(replace(case, raw=b""), verdict, senders, author[:AUTHOR_MOST], subject)


def unpack(data: bytes) -> Record:
    """The inverse.

    Raises:
        BrokenRecordError
    """
    try:
        text = zstandard.ZstdDecompressor().decompress(data, max_output_size=UNPACKED_MOST)
        document = json.loads(text)
        senders = tuple(Sender(*one) for one in document["senders"])
        verdict = Verdict.from_data(document)
        return Record(_case(document["case"]), verdict, senders, *document["shown"])
    except (zstandard.ZstdError, ValueError, KeyError, TypeError) as error:
        raise BrokenRecordError(str(error)) from None


def _case(data: Mapping[str, Any]) -> Case:
    return Case(
        id=UUID(data["id"]),
        trace_id=UUID(data["trace"]),
        raw=b"",
        recipients=tuple(data["recipients"]),
        readers=tuple(Reader(*one) for one in data["readers"]),
        client=data["client"],
        judgement=data["judgement"],
        elsewhere=tuple(data["elsewhere"]) if "elsewhere" in data else None,
        **{name: data[name] for name in _SAME},
    )
