"""DKIM-Signature fields of a message that comes in, verified (RFC 6376 section 6).

Each signature has a result of its own; a bad one never harms a good one (section 6.1). `permerror`
is a signature or key that cannot be used, SHA-1 among them (RFC 8301 section 3.1), `fail` one that
was broken on the way or is over, `policy` one that holds and proves too little: by a key that
others can find out, or for a part of the body only. `temperror` means that the DNS owes the key.

A signature made "in the future" is taken, as clocks are wrong and nobody gains by it; x= is not.
Nothing here raises, whatever the message and whatever the DNS says.
"""

import asyncio
from collections.abc import Sequence
from typing import Final

from apps.mailauth import keyring, signature
from apps.mailauth.bodies import Bodies, Sums
from apps.mailauth.keyring import Keyring
from apps.mailauth.keys import KeyRecordError
from apps.mailauth.message import HeaderField, Message
from apps.mailauth.signature import Outline, Signature, SignatureError
from apps.mailauth.types import Dkim, Result
from apps.resolver.base import Resolver

CHECKED_MAX: Final = 10  # signatures; honest messages have one to four
# What is worked through on the event loop; honest messages have less. More goes to a thread.
INLINE: Final = 4  # signatures
HEADER_INLINE: Final = 64 << 10  # octets of header

NAME: Final = b"dkim-signature"


async def verify(
    message: Message,
    resolver: Resolver,
    *,
    now: int,
    bodies: Bodies | None = None,
    seconds: float = keyring.SECONDS,
) -> tuple[Dkim, ...]:
    """Verify the first signatures from above, at most CHECKED_MAX.

    Args:
        now: Unix seconds.
        bodies: of this message, shared with who else hashes its body.
        seconds: for the keys, all together; what is late is a temperror.

    Returns:
        One result for each, in their order; if there are more, a last one says how many.
    """
    fields = message.named(NAME)
    if not fields:
        return ()
    tried = [_read(field, now) for field in fields[:CHECKED_MAX]]
    readable = [one for one in tried if isinstance(one, Signature)]
    records = await keyring.look_up(
        (one.record_name for one in readable), resolver, seconds=seconds
    )
    keys = Keyring(records)
    sums: Sums = {}
    # What has no key is not worth a look at the body.
    if forms := {one.form for one in readable if _has_key(one, keys)}:
        sums = await (bodies or Bodies(message.body)).sums(forms)
    if len(readable) > INLINE or message.header_size > HEADER_INLINE:
        found = await asyncio.to_thread(_results, message, tried, keys, sums, now)
    else:
        found = _results(message, tried, keys, sums, now)
    return (*found, *_unchecked(len(fields) - CHECKED_MAX))


def _read(field: HeaderField, now: int) -> Signature | Dkim:
    """A signature, or the result of one that needs no key."""
    try:
        read = signature.read(field)
        signature.check_time(read, now)
    except SignatureError as error:
        return _told(signature.outline(field), error.result, str(error))
    return read


def _has_key(one: Signature, keys: Keyring) -> bool:
    try:
        return keys.is_known(one.record_name) and bool(keys.get(one.record_name))
    except KeyRecordError:
        return False


def _results(
    message: Message, tried: Sequence[Signature | Dkim], keys: Keyring, sums: Sums, now: int
) -> list[Dkim]:
    return [
        one if isinstance(one, Dkim) else _verified(message, one, keys, sums, now) for one in tried
    ]


def _verified(message: Message, one: Signature, keys: Keyring, sums: Sums, now: int) -> Dkim:
    outline = signature.outline(one.field)
    if not keys.is_known(one.record_name):
        return _told(outline, Result.TEMPERROR, "the DNS does not answer", one.identity)
    is_testing = False
    try:
        found = keys.get(one.record_name)
        is_testing = any(key.is_testing for key in found)
        signature.check_any(message, one, found, now=now, sums=sums)
    except (SignatureError, KeyRecordError) as error:
        return _told(outline, error.result, str(error), one.identity, is_testing=is_testing)
    return _told(outline, Result.PASS, "", one.identity, is_testing=is_testing)


def _told(
    outline: Outline, result: Result, reason: str, identity: str = "", *, is_testing: bool = False
) -> Dkim:
    return Dkim(
        result=result,
        domain=outline.domain,
        selector=outline.selector,
        identity=identity or (outline.domain and f"@{outline.domain}"),
        algorithm=outline.algorithm,
        value=outline.value,
        reason=reason,
        is_testing=is_testing,
    )


def _unchecked(count: int) -> tuple[Dkim, ...]:
    if count <= 0:
        return ()
    words = "1 more signature was" if count == 1 else f"{count} more signatures were"
    return (Dkim(result=Result.NEUTRAL, reason=f"{words} not checked"),)
