"""DANE for SMTP (RFC 6698, 7671, 7672): finding TLSA records, which can be used, what matches them.

Only answers that DNSSEC has proved count, the denial of records included. Usages 0 and 1 say
nothing for SMTP (RFC 7672 section 3.1.3): a host that publishes nothing else must still speak TLS,
but nobody can tell whether it is the right one (section 2.2).
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from hashlib import sha256, sha512
from typing import Final

from OpenSSL import crypto

from apps.remote import certificates
from apps.remote.certificates import Finding, Problem
from apps.resolver.base import NoDataError, NoSuchNameError, Resolver, TlsaData

MAX_RECORDS: Final = 64
"""TLSA records of one host that are looked at."""

_TA, _EE = 2, 3
_CERTIFICATE, _KEY = 0, 1
_EXACT, _SHA256, _SHA512 = 0, 1, 2
_DIGESTS = {_SHA256: 32, _SHA512: 64}


@dataclass(frozen=True, slots=True)
class Found:
    """The TLSA records of a host.

    Args:
        base: the name under which they are (RFC 7672 section 2.2.2).
        records: as in DNS.
    """

    base: str
    records: tuple[TlsaData, ...]


async def find(resolver: Resolver, bases: Iterable[str], port: int) -> Found | None:
    """The TLSA records below the first of `bases` that has any; None: DNS proves that there are
    none, or is not signed here.

    Raises:
        DnsUnavailableError: nobody could say. A server must then not be used at all: an attacker
            who can stop the answer must gain nothing by it (RFC 7672 section 2.1.1).
    """
    for base in dict.fromkeys(bases):
        try:
            answer = await resolver.tlsa(f"_{port}._tcp.{base}")
        except (NoSuchNameError, NoDataError):
            continue
        if answer.secure:
            return Found(base, answer.records[:MAX_RECORDS])
    return None


def usable(records: Sequence[TlsaData]) -> tuple[TlsaData, ...]:
    """The records that a certificate can be held against."""
    able = [one for one in records if _is_usable(one)]
    best: dict[tuple[int, int], int] = {}
    for one in able:
        kind = one.usage, one.selector
        best[kind] = max(best.get(kind, 0), one.mtype)
    # Of several digests of a kind only the strongest counts (RFC 7671 section 9), so that a weak
    # one left over from a change of algorithm opens nothing.
    return tuple(one for one in able if one.mtype in {_EXACT, best[one.usage, one.selector]})


def problem(
    records: Sequence[TlsaData], chain: Sequence[bytes], names: Iterable[str]
) -> Finding | None:
    """What is wrong with a chain, held against usable records, or None.

    Args:
        chain: DER, the server's own certificate first.
        names: for usage 2, the names of which the certificate must have one.
    """
    if not chain:
        return Finding(Problem.NOT_TRUSTED, "the server showed no certificate")
    try:
        # The server's own key is named: neither its dates nor its names matter
        # (RFC 7672 section 3.1.1).
        if any(_matches(one, chain[0]) for one in records if one.usage == _EE):
            return None
        anchors = _anchors([one for one in records if one.usage == _TA], chain)
    except (crypto.Error, ValueError):
        return Finding(Problem.NOT_TRUSTED, "the server's certificate cannot be read")
    if not anchors:
        return Finding(Problem.NOT_TRUSTED, "no TLSA record matches the server's certificate")
    return certificates.problem(chain, names, anchors=anchors, takes_common_name=True)


def _anchors(records: Sequence[TlsaData], chain: Sequence[bytes]) -> list[bytes]:
    """The authorities that records of usage 2 name: shown by the server, or whole in a record."""
    shown = [one for one in chain[1:] if any(_matches(record, one) for record in records)]
    whole = [one.cert for one in records if (one.selector, one.mtype) == (_CERTIFICATE, _EXACT)]
    return [*shown, *(one for one in whole if one not in shown)]


def _matches(record: TlsaData, certificate: bytes) -> bool:
    of = certificate if record.selector == _CERTIFICATE else certificates.public_key(certificate)
    if record.mtype == _SHA256:
        of = sha256(of).digest()
    elif record.mtype == _SHA512:
        of = sha512(of).digest()
    return of == record.cert


def _is_usable(record: TlsaData) -> bool:
    if record.usage not in {_TA, _EE} or record.selector not in {_CERTIFICATE, _KEY}:
        return False
    if record.mtype != _EXACT:
        return len(record.cert) == _DIGESTS.get(record.mtype)
    try:
        if record.selector == _CERTIFICATE:
            crypto.load_certificate(crypto.FILETYPE_ASN1, record.cert)
        else:
            crypto.load_publickey(crypto.FILETYPE_ASN1, record.cert)
    except (crypto.Error, ValueError):
        return False
    return True
