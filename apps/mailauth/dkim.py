"""DKIM-Signature fields (RFC 6376), relaxed/relaxed, by RSA and Ed25519 (RFC 8463).

Fields that a reader sees are signed once more than they stand there ("oversigned"): a second From
or Subject that somebody adds on the way breaks the signature, where otherwise mail programs would
show it and the signature still hold (section 8.15).
"""

import base64
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from apps.mailauth import canonical, signature
from apps.mailauth.keys import SigningKey
from apps.mailauth.message import HeaderField, Message

# Also if absent: who adds one of these shows readers something that nobody signed.
ALWAYS: Final = (b"from", b"reply-to", b"subject", b"to", b"cc")
# Once more than they stand there, if they do; a relay that adds a missing one harms nobody.
TWICE: Final = (
    b"date",
    b"message-id",
    b"sender",
    b"mime-version",
    b"content-type",
    b"content-transfer-encoding",
    b"in-reply-to",
    b"references",
)
# As they stand.
ONCE: Final = (
    b"content-id",
    b"content-description",
    b"resent-date",
    b"resent-from",
    b"resent-to",
    b"resent-cc",
    b"resent-message-id",
    b"list-id",
    b"list-help",
    b"list-unsubscribe",
    b"list-unsubscribe-post",
    b"list-subscribe",
    b"list-post",
    b"list-owner",
    b"list-archive",
    b"autocrypt",
    b"openpgp",
)
_LINE: Final = 72  # octets of a folded line


class UnsignableError(ValueError):
    """The message has so many fields that should be signed that no verifier would take it."""


@dataclass(frozen=True, slots=True)
class Signer:
    """Whose signature it is."""

    domain: str
    selector: str
    key: SigningKey


def sign(message: Message, signers: Sequence[Signer], *, now: int) -> bytes:
    """Return a DKIM-Signature field for each signer, CRLF lines; the body is hashed once.

    Raises:
        UnsignableError
    """
    names = names_to_sign(message)
    digest, _ = canonical.body_hash(message.body, is_relaxed=True)
    fields = [
        signed_field(message, b"DKIM-Signature", b"v=1", signer, names, digest, now)
        for signer in signers
    ]
    return b"".join(fields)


def names_to_sign(message: Message) -> tuple[bytes, ...]:
    """The h= for a message.

    Raises:
        UnsignableError
    """
    counts: dict[bytes, int] = {}
    for field in message.fields:
        counts[field.name] = counts.get(field.name, 0) + 1
    names: list[bytes] = []
    for name in ALWAYS:
        names += [name] * (counts.get(name, 0) + 1)
    for name in TWICE:
        names += [name] * (counts[name] + 1 if name in counts else 0)
    for name in ONCE:
        names += [name] * counts.get(name, 0)
    if len(names) > signature.NAMES_MAX:
        raise UnsignableError("too many fields to sign")
    return tuple(names)


def signed_field(
    message: Message,
    name: bytes,
    first: bytes,
    signer: Signer,
    names: tuple[bytes, ...],
    body_hash: bytes,
    now: int,
) -> bytes:
    """Return one whole field with its CRLF.

    Args:
        first: the tag that it begins with, v=1 or an ARC instance.
    """
    tags = [
        first,
        b"a=" + signer.key.algorithm.tag.encode(),
        b"c=relaxed/relaxed",
        b"d=" + signer.domain.encode(),
        b"s=" + signer.selector.encode(),
        b"t=%d" % now,
        b"h=" + fold(b":".join(names), b":"),
        b"bh=" + base64.b64encode(body_hash),
        b"b=",
    ]
    unsigned = HeaderField(name.lower(), b"", b" " + b";\r\n\t".join(tags))
    value = signer.key.sign(signature.signed_data(message, unsigned, names, is_relaxed=True))
    return close(name, unsigned.value, value)


def close(name: bytes, value: bytes, signed: bytes) -> bytes:
    """Return a field whose value ends in `b=`, with the signature in it."""
    text = base64.b64encode(signed)
    lines = [text[at : at + _LINE] for at in range(0, len(text), _LINE)]
    return name + b":" + value + b"\r\n\t".join(lines) + b"\r\n"


def fold(text: bytes, mark: bytes) -> bytes:
    """Fold a long list behind its marks."""
    lines, line = [], b""
    for piece in text.split(mark):
        if line and len(line) + len(piece) >= _LINE:
            lines.append(line)
            line = b""
        line += piece + mark
    lines.append(line.removesuffix(mark))
    return b"\r\n\t ".join(lines)
