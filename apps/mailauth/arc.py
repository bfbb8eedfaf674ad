"""Authenticated Received Chains (RFC 8617): read, judged, and continued by who forwards.

A chain is judged in two steps, because the DNS is the caller's business: `read` finds what is
broken by its form alone, and names the key records that the rest needs; `judge` takes what the DNS
said. `seal` adds the next set. `chain` does it all for a message that comes in.
"""

import hashlib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from apps.mailauth import canonical, dkim, signature, tags
from apps.mailauth.canonical import BodySum, Form
from apps.mailauth.dkim import Signer
from apps.mailauth.keyring import Keyring
from apps.mailauth.keys import KeyRecordError
from apps.mailauth.message import HeaderField, Message
from apps.mailauth.signature import Signature, SignatureError, SignedBy
from apps.mailauth.tags import TagError

SETS_MAX: Final = 50  # section 4.2.1
KEPT_MAX: Final = 20  # DKIM signatures that a message signature covers
RESULTS, MESSAGE, SEAL = (
    b"arc-authentication-results",
    b"arc-message-signature",
    b"arc-seal",
)
KINDS: Final = (RESULTS, MESSAGE, SEAL)  # in the order that a seal covers them, section 5.1.1
# In results it stands first; in the two others every signer writes it first, but it is a tag.
_INSTANCE: Final = re.compile(rb"[ \t\r\n]*+i[ \t\r\n]*+=[ \t\r\n]*+([0-9]++)[ \t\r\n]*+(?:;|\Z)")
_NUMBER: Final = re.compile(rb"0*+([1-9][0-9]?)")
# A message signature covers none of these: they are ARC's own or will be removed (section 4.1.2).
_NOT_COVERED: Final = frozenset({*KINDS, b"authentication-results"})


class Status(StrEnum):
    """What a chain is worth (section 4.4)."""

    NONE = "none"
    PASS = "pass"  # noqa: S105 - a word of the protocol
    FAIL = "fail"
    UNKNOWN = "unknown"  # the DNS did not answer: ours only, never in a field


@dataclass(frozen=True, slots=True)
class Verdict:
    """What was found out about a chain, and why."""

    status: Status
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Set:
    """One hop: its three fields, and who sealed it."""

    results: HeaderField
    message: HeaderField
    seal: HeaderField
    sealed_by: SignedBy

    @property
    def fields(self) -> tuple[HeaderField, HeaderField, HeaderField]:
        return self.results, self.message, self.seal

    @property
    def said(self) -> bytes:
        """Its results without the instance: authserv-id and what that found out."""
        instance = _INSTANCE.match(self.results.value)
        return b"" if instance is None else self.results.value[instance.end() :]


@dataclass(frozen=True, slots=True)
class Chain:
    """The sets of a message, first to last.

    Args:
        problem: why it is broken, "" if its form is right.
        is_closed: its last seal says cv=fail: nobody goes on with it (section 5.1).
    """

    sets: tuple[Set, ...] = ()
    highest: int = 0
    problem: str = ""
    is_closed: bool = False
    latest: Signature | None = None

    @property
    def record_names(self) -> frozenset[str]:
        """The TXT records that judging it needs."""
        if self.problem or self.latest is None:
            return frozenset()
        return frozenset(
            {one.sealed_by.record_name for one in self.sets} | self.latest_record_names
        )

    @property
    def latest_record_names(self) -> frozenset[str]:
        """Those of the last set alone: without them the others say nothing."""
        if self.problem or self.latest is None:
            return frozenset()
        return frozenset({self.sets[-1].sealed_by.record_name, self.latest.record_name})


NO_CHAIN: Final = Chain()


def read(message: Message) -> Chain:
    """Read the chain of a message; never fails, a broken one says what is wrong with it."""
    found: dict[int, dict[bytes, HeaderField]] = {}
    problem = ""
    for field in message.fields:
        if field.name not in KINDS:
            continue
        number = _number(field)
        if not 1 <= number <= SETS_MAX:
            problem = problem or "a field has no instance from 1 to 50"
        elif field.name in found.setdefault(number, {}):
            problem = problem or f"instance {number} stands twice"
        else:
            found[number][field.name] = field
    if not found:
        return Chain(problem=problem)
    highest = max(found)
    try:
        if problem:
            raise SignatureError(problem)
        sets = tuple(_set(found.get(number, {}), number) for number in range(1, highest + 1))
        latest = signature.read(sets[-1].message)
        _check_covered(latest)
    except SignatureError as error:
        return Chain((), highest, str(error), _is_closed(found[highest]))
    return Chain(sets, highest, "", False, latest)


def judge(
    message: Message,
    chain: Chain,
    keyring: Keyring,
    *,
    now: int,
    sums: Mapping[Form, BodySum] | None = None,
) -> Verdict:
    """Say what a chain is worth (section 5.2).

    What certainly fails is FAIL, even if the DNS does not say all: otherwise a forger would only
    have to name a key in a zone that never answers.

    Args:
        keyring: with each of `Chain.record_names`; the rest counts as not answered.
        sums: of the body, by `Signature.form`; hashed here if not given.
    """
    if chain.problem:
        return Verdict(Status.FAIL, chain.problem)
    if chain.latest is None:
        return Verdict(Status.NONE)
    is_known = all(map(keyring.is_known, chain.record_names))
    digests = _seal_digests(chain.sets)
    number = chain.highest
    try:
        if keyring.is_known(chain.latest.record_name):
            keys = keyring.get(chain.latest.record_name)
            signature.check_any(message, chain.latest, keys, now=now, sums=sums)
        for number in range(chain.highest, 0, -1):
            if keyring.is_known(chain.sets[number - 1].sealed_by.record_name):
                _check_seal(chain.sets[number - 1], digests[number - 1], keyring)
    except (SignatureError, KeyRecordError) as error:
        return Verdict(Status.FAIL, f"instance {number}: {error}")
    return Verdict(Status.PASS) if is_known else Verdict(Status.UNKNOWN, "the DNS does not answer")


def seal(
    message: Message, chain: Chain, verdict: Verdict, *, results: str, signer: Signer, now: int
) -> bytes:
    """Return the three fields of the next set, CRLF lines; b"" if there may be no further one.

    Args:
        results: our authserv-id and what we found out (RFC 8601 section 2.2, without the field's
            name): `mail.example.org; spf=pass ...`. ASCII, on one line.
        signer: RSA: one algorithm per set (section 4.2.1), and all validators know that one.

    Raises:
        UnsignableError
    """
    number = chain.highest + 1
    if chain.is_closed or verdict.status is Status.UNKNOWN or number > SETS_MAX:
        return b""
    instance = b"i=%d" % number
    authres = b" " + instance + b"; " + dkim.fold(results.encode(), b";")
    first = HeaderField(RESULTS, b"", authres)
    names = (*(n for n in dkim.names_to_sign(message) if n not in _NOT_COVERED), *_kept(message))
    digest, _ = canonical.body_hash(message.body, is_relaxed=True)
    second_line = dkim.signed_field(
        message, b"ARC-Message-Signature", instance, signer, names, digest, now
    )
    second = HeaderField(MESSAGE, b"", second_line.partition(b":")[2].removesuffix(b"\r\n"))
    lines = [
        instance + b"; a=" + signer.key.algorithm.tag.encode() + b"; t=%d" % now,
        b"cv=" + verdict.status.value.encode(),
        b"d=" + signer.domain.encode() + b"; s=" + signer.selector.encode(),
        b"b=",
    ]
    third = HeaderField(SEAL, b"", b" " + b";\r\n\t".join(lines))
    # A broken chain cannot be covered: the seal stands for its own set alone (section 5.1.2).
    before = () if verdict.status is Status.FAIL else chain.sets
    data = _sealed_data(*(field for one in before for field in one.fields), first, second, third)
    return b"".join(
        (
            dkim.close(b"ARC-Seal", third.value, signer.key.sign(data)),
            second_line,
            b"ARC-Authentication-Results:" + authres + b"\r\n",
        )
    )


def _kept(message: Message) -> list[bytes]:
    """DKIM signatures are covered, so that it shows whose they were (section 4.1.2)."""
    return [b"dkim-signature"] * min(len(message.named(b"dkim-signature")), KEPT_MAX)


def _number(field: HeaderField) -> int:
    """The instance of a field, 0 if it has none."""
    if field.name == RESULTS:
        instance = _INSTANCE.match(field.value)
        text = b"" if instance is None else instance[1]
    else:
        try:
            text = tags.parse(field.value).get("i", b"")
        except TagError:
            text = b""
    number = _NUMBER.fullmatch(text)
    return 0 if number is None else int(number[1])


def _set(fields: Mapping[bytes, HeaderField], number: int) -> Set:
    if len(fields) != len(KINDS):
        raise SignatureError(f"instance {number} is not whole")
    results, message, seal = (fields[kind] for kind in KINDS)
    try:
        found = tags.parse(seal.value)
    except TagError as error:
        raise SignatureError(f"seal {number}: {error}") from None
    if "h" in found:
        raise SignatureError(f"seal {number} has h=")  # section 4.1.3
    wanted = b"none" if number == 1 else b"pass"
    if found.get("cv", b"").lower() != wanted:
        raise SignatureError(f"seal {number} does not say cv={wanted.decode()}")
    return Set(results, message, seal, signature.signed_by(found))


def _check_covered(latest: Signature) -> None:
    """A signature that covers the seal that was made after it. The other fields of ARC must not be
    covered either (section 4.1.2), but many cover their own results, and that breaks nothing."""
    if SEAL in latest.names:
        raise SignatureError("the message signature covers a seal")


def _is_closed(fields: Mapping[bytes, HeaderField]) -> bool:
    seal = fields.get(SEAL)
    if seal is None:
        return False
    try:
        return tags.parse(seal.value).get("cv", b"").lower() == b"fail"
    except TagError:
        return False


def _seal_digests(sets: Iterable[Set]) -> list[bytes]:
    """SHA-256 of what each seal covers: all sets before it, and its own without the signature. Each
    octet is hashed once, however long the chain is."""
    digests = []
    before = hashlib.sha256()
    for one in sets:
        unsigned = HeaderField(SEAL, b"", tags.without_b(one.seal.value))
        whole = before.copy()
        whole.update(_sealed_data(one.results, one.message, unsigned))
        digests.append(whole.digest())
        before.update(_sealed_data(one.results, one.message, one.seal) + b"\r\n")
    return digests


def _check_seal(one: Set, digest: bytes, keyring: Keyring) -> None:
    by = one.sealed_by
    keys = [key for key in keyring.get(by.record_name) if key.algorithm is by.algorithm]
    if not keys:
        raise SignatureError("the key is of another kind")
    if not any(key.verifies_digest(by.value, digest) for key in keys):
        raise SignatureError("the seal does not hold")


def _sealed_data(*fields: HeaderField) -> bytes:
    return b"\r\n".join(canonical.relaxed_field(field) for field in fields)
