"""One signature, of DKIM-Signature or of its ARC cousins: its tags, and whether it holds.

Reading and checking are apart, because the public key stands between them, and the DNS is the
caller's business. The order of RFC 6376 section 6.1: what is wrong with the field itself is found
before anybody is asked anything.
"""

import base64
import binascii
import hashlib
import hmac
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

from apps.mailauth import canonical, tags
from apps.mailauth.canonical import BodySum, Form
from apps.mailauth.keys import Algorithm, PublicKey, record_name
from apps.mailauth.message import HeaderField, Message
from apps.mailauth.tags import TagError
from apps.mailauth.types import Result
from apps.mime.address import AddressError, normalise_domain

NAMES_MAX: Final = 200  # in h=; honest ones have thirty
IDENTITY_MAX: Final = 320  # characters of i=
SHOWN: Final = 8  # of b= in Base64, to tell signatures apart (RFC 6008 section 3)
_ALGORITHMS: Final = {one.tag.encode(): one for one in Algorithm}  # RFC 8301: no SHA-1
_ALGORITHM: Final = re.compile(rb"[A-Za-z0-9-]{1,30}")
_FORMS: Final = frozenset({b"simple", b"relaxed"})
# An AUID: the local part may be missing or be anything, its domain follows the last sign.
_IDENTITY: Final = re.compile(r"(.*)@([^@]++)")
_NOT_BASE64: Final = re.compile(rb"[^A-Za-z0-9+/=]+")


class SignatureError(ValueError):
    """The signature is none that could hold; the text is ours and says why."""

    result = Result.PERMERROR


class BrokenError(SignatureError):
    """The signature does not hold: something was changed, or its time is over."""

    result = Result.FAIL


class UnwantedError(SignatureError):
    """The signature holds, and says too little for us to take it."""

    result = Result.POLICY


@dataclass(frozen=True, slots=True)
class Signature:
    """The tags of a signature that covers fields and body.

    Args:
        identity: i=, or "" if absent.
        names: lower case, in the order of h=.
        body_size: l=, None if absent.
        made_at, expires_at: Unix seconds, None if absent.
    """

    field: HeaderField
    algorithm: Algorithm
    domain: str
    selector: str
    identity: str
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

    @property
    def form(self) -> Form:
        """What it hashes of the body."""
        return Form(self.is_body_relaxed, self.body_size)


@dataclass(frozen=True, slots=True)
class Outline:
    """What can be told of a signature, readable or not; "" where it cannot.

    Args:
        domain, selector: A-labels.
        algorithm: as written, lower case.
        value: the first octets of b=.
    """

    domain: str = ""
    selector: str = ""
    algorithm: str = ""
    value: str = ""


def outline(field: HeaderField) -> Outline:
    """Say whose a signature seems to be; never fails."""
    try:
        found = tags.parse(field.value)
    except TagError:
        return Outline()
    algorithm = tags.without_white(found.get("a", b""))
    return Outline(
        _name_or_nothing(found.get("d", b"")),
        _name_or_nothing(found.get("s", b"")),
        algorithm.decode().lower() if _ALGORITHM.fullmatch(algorithm) else "",
        _NOT_BASE64.sub(b"", found.get("b", b""))[:SHOWN].decode(),
    )


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
    if b"dns/txt" not in tags.words(found.get("q", b"dns/txt")):
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
    # In ARC i= is the instance.
    identity = _identity(found, domain) if field.name == b"dkim-signature" else ""
    return Signature(
        field=field,
        algorithm=algorithm,
        domain=domain,
        selector=selector,
        identity=identity,
        value=value,
        body_hash=_base64(_needed(found, "bh")),
        names=names,
        is_header_relaxed=header_form == b"relaxed",
        is_body_relaxed=body_form == b"relaxed",
        body_size=_number(found, "l"),
        made_at=made_at,
        expires_at=expires_at,
    )


class SignedBy(NamedTuple):
    """What every kind of signature says of itself."""

    algorithm: Algorithm
    domain: str
    selector: str
    value: bytes

    @property
    def record_name(self) -> str:
        """Where its key is."""
        return record_name(self.selector, self.domain)


def signed_by(found: Mapping[str, bytes]) -> SignedBy:
    """Read what every kind of signature has.

    Raises:
        SignatureError
    """
    kind = _needed(found, "a").lower()
    algorithm = _ALGORITHMS.get(kind)
    if kind == b"rsa-sha1":
        raise SignatureError("rsa-sha1 is not taken any more")  # RFC 8301 section 3.1
    if algorithm is None:
        raise SignatureError("unknown algorithm")
    try:
        domain, selector = _name(_needed(found, "d")), _name(_needed(found, "s"))
    except (AddressError, UnicodeDecodeError):
        raise SignatureError("names no domain or selector") from None
    return SignedBy(algorithm, domain, selector, _base64(_needed(found, "b")))


def check_any(
    message: Message,
    signature: Signature,
    keys: Sequence[PublicKey],
    *,
    now: int,
    sums: Mapping[Form, BodySum] | None = None,
) -> PublicKey:
    """Return the first of the keys under one name by which a signature holds for a message.

    Args:
        sums: of the body, by `Signature.form`; hashed here if not given.

    Raises:
        SignatureError: there is none; of several reasons, that of a key of the right kind.
    """
    alike = [key for key in keys if key.algorithm is signature.algorithm]
    if not alike:
        raise SignatureError("the key is of another kind")
    check_time(signature, now)
    _check_authors(message, signature)
    size = _check_body(message, signature, sums)
    data = signed_data(message, signature.field, signature.names, signature.is_header_relaxed)
    digest = hashlib.sha256(data).digest()
    for key in alike:
        if key.verifies_digest(signature.value, digest):
            _check_reach(signature, key, size)
            return key
    raise BrokenError("the header was changed, or another key signed")


def check(message: Message, signature: Signature, key: PublicKey, *, now: int) -> None:
    """Say whether a signature holds for a message by this key.

    Raises:
        SignatureError: it does not.
    """
    check_any(message, signature, (key,), now=now)


def check_time(signature: Signature, now: int) -> None:
    """Raise BrokenError if x= is over."""
    if signature.expires_at is not None and signature.expires_at < now:
        raise BrokenError("expired")


def _check_authors(message: Message, signature: Signature) -> None:
    """A From that was added above the signed one is what readers see (section 8.15); no honest
    message has two (RFC 5322 section 3.6)."""
    if len(message.named(b"from")) > signature.names.count(b"from"):
        raise BrokenError("a From was added that it does not sign")


def _check_body(message: Message, signature: Signature, sums: Mapping[Form, BodySum] | None) -> int:
    """Return how many octets the body's canonical form has."""
    if sums is None:
        sums = canonical.body_sums(message.body, (signature.form,))
    body = sums[signature.form]
    if body.digest is None:
        raise BrokenError("a part of the body is missing")
    if not hmac.compare_digest(body.digest, signature.body_hash):
        raise BrokenError("the body was changed")
    return body.size


def _check_reach(signature: Signature, key: PublicKey, size: int) -> None:
    """Refuse a signature that holds for less than it would be taken for."""
    is_below = bool(signature.identity) and not signature.identity.endswith(f"@{signature.domain}")
    if key.is_strict and is_below:
        raise SignatureError("i= is not d=, which the key wants")  # section 3.6.1, t=s
    if signature.body_size is not None and signature.body_size != size:
        # What follows l= octets was written by anybody (section 8.2).
        raise UnwantedError("covers only a part of the body")


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


def _identity(found: Mapping[str, bytes], domain: str) -> str:
    """The i= of a signature whose d= is `domain` (section 3.5); "" if absent."""
    if "i" not in found:
        return ""
    text = tags.without_white(found["i"]).decode("utf-8", "replace")
    parts = _IDENTITY.fullmatch(text)
    if parts is None or len(text) > IDENTITY_MAX or not text.isprintable():
        raise SignatureError("i= is no identity")
    try:
        host = normalise_domain(parts[2])
    except AddressError:
        raise SignatureError("i= is no identity") from None
    if host != domain and not host.endswith(f".{domain}"):
        raise SignatureError("i= is not within d=")
    return f"{parts[1]}@{host}"


def _name(text: bytes) -> str:
    """A domain or selector: no address literal.

    Raises:
        AddressError, UnicodeDecodeError
    """
    name = normalise_domain(text.decode())
    if name.startswith("["):
        raise AddressError("an address literal")
    return name


def _name_or_nothing(text: bytes) -> str:
    try:
        return _name(tags.without_white(text))
    except (AddressError, UnicodeDecodeError):
        return ""


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
