"""The DKIM keys of our domains: who signs, what each key's DNS record is, whether it is there.

A domain's first key signs at once (active); each further one is pending until its record is seen in
the DNS. When the next one signs, a key is retiring (its record must stay while mail that it signed
is under way), and at last retired.
The changes are in `services/dkim.py`.
"""

import asyncio
import logging
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from functools import lru_cache
from typing import Final

from django.db import connection

from apps.directory.models import DkimKey, DkimState
from apps.mailauth.dkim import Signer
from apps.mailauth.keys import (
    Algorithm,
    KeyRecordError,
    SigningKey,
    parse_record,
    record_name,
    record_strings,
    record_text,
)
from apps.resolver.base import DnsError, DnsUnavailableError, Resolver
from apps.runtime import sealing
from apps.runtime.sealing import SealBrokenError

logger = logging.getLogger(__name__)

QUESTIONS: Final = 20  # asked of the DNS at a time
PAGE: Final = 1_000  # rows
SECONDS: Final = 30.0  # for all of them
_SIGNERS: Final = """
SELECT d.name, k.selector, k.secret
FROM directory_dkimkey k
JOIN directory_domain d ON d.id = k.domain_id
WHERE d.name = %s AND k.state = 'active'
ORDER BY k.algorithm DESC, k.id"""


class Finding(StrEnum):
    """What the DNS says of a key's record."""

    PUBLISHED = "published"
    MISSING = "missing"
    OTHER = "other"  # there is a record, with another key or one that cannot be read
    UNKNOWN = "unknown"  # no answer


@dataclass(frozen=True, slots=True)
class KeyRow:
    """A key for people: never the private one.

    Args:
        record: name of its TXT record; `text` what stands there, `strings` the same cut into
            pieces that fit into one.
    """

    domain: str
    selector: str
    algorithm: str
    state: str
    changed_at: datetime
    record: str
    text: str
    strings: list[str]


def signers(domain: str) -> list[Signer]:
    """The keys that sign for a domain (A-labels), RSA first; empty if it has none or is not ours.

    One constant statement. A key that cannot be opened is left out, and logged: mail without a
    signature is better than none.
    """
    with connection.cursor() as cursor:
        cursor.execute(_SIGNERS, [domain])
        rows = cursor.fetchall()
    found = []
    for name, selector, secret in rows:
        try:
            found.append(Signer(name, selector, _opened(bytes(secret), context(name, selector))))
        except SealBrokenError as error:
            logger.error("a DKIM key cannot be opened: %s", error)
    return found


def signing_domains(names: Collection[str]) -> set[str]:
    """Those of the domains (A-labels) whose mail is signed; one query."""
    active = DkimKey.objects.filter(domain__name__in=names, state=DkimState.ACTIVE)
    return set(active.values_list("domain__name", flat=True))


@lru_cache(maxsize=1_000)
def _opened(sealed: bytes, place: str) -> SigningKey:
    return SigningKey(sealing.open_sealed(sealed, context=place))


def context(domain: str, selector: str) -> str:
    """The place that a private key is sealed for."""
    return f"dkim/{domain}/{selector}"


def keys_of(domain: str) -> list[KeyRow]:
    """All keys of a domain, the newest last."""
    found = DkimKey.objects.filter(domain__name=domain).select_related("domain")
    return [row_of(key) for key in found.order_by("pk")]


def all_keys() -> Iterator[KeyRow]:
    """The keys of all domains in the order of their making, a page of rows at a time."""
    after = 0
    while True:
        page = DkimKey.objects.filter(pk__gt=after).select_related("domain").order_by("pk")[:PAGE]
        keys = list(page)
        yield from map(row_of, keys)
        if len(keys) < PAGE:
            return
        after = keys[-1].pk


def row_of(key: DkimKey) -> KeyRow:
    """A key (with its domain) for people."""
    text = record_text(Algorithm(key.algorithm), key.public)
    return KeyRow(
        domain=key.domain.name,
        selector=key.selector,
        algorithm=key.algorithm,
        state=key.state,
        changed_at=key.changed_at,
        record=record_name(key.selector, key.domain.name),
        text=text,
        strings=record_strings(text),
    )


def next_step(row: KeyRow, finding: Finding | None = None) -> str:
    """What an administrator is to do about a key, in a sentence."""
    is_there = finding is Finding.PUBLISHED
    if row.state == DkimState.PENDING:
        if is_there:
            return "Its record is in the DNS: it will take over within minutes."
        return "Publish its record; it takes over once that is seen in the DNS."
    if row.state == DkimState.ACTIVE:
        if finding in (Finding.MISSING, Finding.OTHER):
            return "It signs. Publish its record now: nobody can verify its signatures before."
        return "It signs. Its record must be in the DNS."
    if row.state == DkimState.RETIRING:
        return "It signs no more. Leave its record until mail that it signed has arrived."
    return "Its record may be removed from the DNS."


async def look_up(rows: Sequence[KeyRow], resolver: Resolver) -> list[Finding]:
    """Ask the DNS for the record of each key, a few at a time; who has no answer in half a minute
    for them all is unknown."""
    turnstile = asyncio.Semaphore(QUESTIONS)

    async def one(row: KeyRow) -> Finding:
        async with turnstile:
            return await _look_up(row, resolver)

    asked = [asyncio.create_task(one(row)) for row in rows]
    if not asked:
        return []
    _, late = await asyncio.wait(asked, timeout=SECONDS)
    for task in late:
        task.cancel()
    await asyncio.gather(*late, return_exceptions=True)
    return [Finding.UNKNOWN if task in late else task.result() for task in asked]


async def _look_up(row: KeyRow, resolver: Resolver) -> Finding:
    try:
        answer = await resolver.txt(row.record)
    except DnsUnavailableError:
        return Finding.UNKNOWN
    except DnsError:
        return Finding.MISSING
    return Finding.PUBLISHED if _is_all(answer.records, row) else Finding.OTHER


def _is_all(records: Iterable[bytes], row: KeyRow) -> bool:
    """Whether the records are this very key's: two at one name are none (RFC 6376 s3.6.2.2)."""
    try:
        (text,) = records
        found, wanted = parse_record(text), parse_record(row.text.encode())
    except (KeyRecordError, ValueError):
        return False
    return found.algorithm is wanted.algorithm and found.key == wanted.key
