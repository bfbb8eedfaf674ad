"""One signature, of DKIM-Signature or of its ARC cousins: its tags, and whether it holds.

Reading and checking are apart, because the public key stands between them, and the DNS is the
caller's business. The order of RFC 6376 section 6.1: what is wrong with the field itself is found
before anybody is asked anything.
"""

import base64
import binascii
import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from apps.mailauth import canonical, tags
from apps.mailauth.keys import Algorithm, PublicKey, record_name
from apps.mailauth.message import HeaderField, Message
from apps.mailauth.tags import TagError
from apps.mime.address import AddressError, normalise_domain

NAMES_MAX: Final = 200  # in h=; honest ones have thirty
_ALGORITHMS: Final = {one.tag.encode(): one for one in Algorithm}  # RFC 8301: no SHA-1
_FORMS: Final = frozenset({b"simple", b"relaxed"})


class SignatureError(ValueError):
    """The signature cannot hold, or does not; the text is ours and says why."""


@dataclass(frozen=True, slots=True)
class Signature:
    """The tags of a signature that covers fields and body.

    Args:
        names: lower case, in the order of h=.
        body_size: l=, None if absent.
        made_at, expires_at: Unix seconds, None if absent.
    """

    field: HeaderField
    algorithm: Algorithm
    domain: str
    selector: str
    value: bytes
    body_hash: bytes
    names: tuple[bytes, ...]
    is_header_relaxed: bool
    is_body_relaxed: bool
    body_size: int | None
    made_at: int | None
    expires_at: int | None

    @property
    def record_name(self) -> str:
        """Where its key is."""
        return record_name(self.selector, self.domain)


def read(field: HeaderField) -> Signature:
    """Read a DKIM-Signature or ARC-Message-Signature.

    Raises:
        SignatureError: a tag is missing, malformed, or of a kind that nobody should take.
    """
    found = _tags(field)
    header_form, _, body_form = found.get("c", b"simple/simple").lower().partition(b"/")
    body_form = body_form or b"simple"
    if not {header_form, body_form} <= _FORMS:
        raise SignatureError("unknown canonicalization")
    if found.get("q", b"dns/txt").lower() != b"dns/txt":
        raise SignatureError("unknown query method")
    names = tuple(name.strip().lower() for name in _needed(found, "h").split(b":"))
    if b"from" not in names:
        raise SignatureError("From is not signed")  # section 5.4
    if len(names) > NAMES_MAX:
        raise SignatureError("too many fields are signed")
    made_at, expires_at = _number(found, "t"), _number(found, "x")
    if made_at is not None and expires_at is not None and expires_at < made_at:
        raise SignatureError("expires before it was made")
    algorithm, domain, selector, value = signed_by(found)
    return Signature(
        field=field,
        algorithm=algorithm,
        domain=domain,
        selector=selector,
        value=value,
        body_hash=_base64(_needed(found, "bh")),
        names=names,
        is_header_relaxed=header_form == b"relaxed",
        is_body_relaxed=body_form == b"relaxed",
        body_size=_number(found, "l"),
        made_at=made_at,
        expires_at=expires_at,
    )


def signed_by(found: Mapping[str, bytes]) -> tuple[Algorithm, str, str, bytes]:
    """Algorithm, domain, selector and value: what every kind of signature has.

    Raises:
        SignatureError
    """
    algorithm = _ALGORITHMS.get(_needed(found, "a").lower())
    if algorithm is None:
        raise SignatureError("unknown algorithm")
    try:
        domain = normalise_domain(_needed(found, "d").decode())
        selector = normalise_domain(_needed(found, "s").decode())
    except (AddressError, UnicodeDecodeError):
        raise SignatureError("names no domain or selector") from None
    if "[" in domain + selector:
        raise SignatureError("names no domain or selector")
    return algorithm, domain, selector, _base64(_needed(found, "b"))


def check(message: Message, signature: Signature, key: PublicKey, *, now: int) -> None:
    """Say whether a signature holds for a message.

    Raises:
        SignatureError: it does not.
    """
    if signature.expires_at is not None and signature.expires_at < now:
        raise SignatureError("expired")
    if key.algorithm is not signature.algorithm:
        raise SignatureError("the key is of another kind")
    digest, size = canonical.body_hash(message.body, is_relaxed=signature.is_body_relaxed)
    if signature.body_size is not None and signature.body_size != size:
        # What follows l= octets was written by anybody (section 8.2): for us it does not hold.
        raise SignatureError("covers only a part of the body")
    if not hmac.compare_digest(digest, signature.body_hash):
        raise SignatureError("the body was changed")
    data = signed_data(message, signature.field, signature.names, signature.is_header_relaxed)
    if not key.verifies(signature.value, data):
        raise SignatureError("the header was changed, or another key signed")


def signed_data(
    message: Message, field: HeaderField, names: tuple[bytes, ...], is_relaxed: bool
) -> bytes:
    """What is signed: the named fields, each name taking the next one from below, and the signature
    itself without its value (RFC 6376 sections 3.7 and 5.4.2)."""
    form = canonical.relaxed_field if is_relaxed else canonical.simple_field
    left: dict[bytes, list[HeaderField]] = {}
    for one in message.fields:
        if one is not field:
            left.setdefault(one.name, []).append(one)
    lines = []
    for name in names:
        if stack := left.get(name):
            lines.append(form(stack.pop()) + b"\r\n")
    lines.append(form(_without_value(field)))
    return b"".join(lines)


def _without_value(field: HeaderField) -> HeaderField:
    value = tags.without_b(field.value)
    return HeaderField(field.name, field.raw[: len(field.raw) - len(field.value)] + value, value)


def _tags(field: HeaderField) -> dict[str, bytes]:
    try:
        found = tags.parse(field.value)
    except TagError as error:
        raise SignatureError(str(error)) from None
    if field.name == b"dkim-signature" and found.get("v") != b"1":
        raise SignatureError("unknown version")
    return found


def _needed(found: Mapping[str, bytes], name: str) -> bytes:
    try:
        return tags.without_white(found[name])
    except KeyError:
        raise SignatureError(f"has no {name}=") from None


def _base64(text: bytes) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except binascii.Error:
        raise SignatureError("is not base64") from None


def _number(found: Mapping[str, bytes], name: str) -> int | None:
    text = found.get(name)
    if text is None:
        return None
    if not text.isdigit() or len(text) > 20:
        raise SignatureError(f"{name}= is no number")
    return int(text)
