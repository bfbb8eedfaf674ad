"""What leads to this host: aliases, SRV, PTR; and TLSA and CAA, which are about its certificate.
Pure."""

from dataclasses import dataclass
from ipaddress import ip_address
from typing import Final

from apps.dnscheck.answers import Outcome
from apps.dnscheck.findings import Standing
from apps.dnscheck.judging.evidence import Case, Verdict, better, missing, right, shown, wrong
from apps.dnscheck.records import Kind

_NO_DOT: Final = "lacks its final dot, so that the domain was added to it: write"


def alias(case: Case, records: tuple[str, ...]) -> Verdict:
    """A name that shall lead to this host. `records` are the CNAME's target, if there is one, and
    addresses."""
    if not records:
        if case.wanted.kind is Kind.POLICY_HOST:
            sentence = f"There is no {case.wanted.name}, where others look for the policy."
            return Verdict(Standing.UNSET, sentence)
        return missing(case, "record")
    target = records[0].rstrip(".")
    if target == case.host:
        return right("It leads to this host.", *records)
    if target.startswith(f"{case.host}."):
        sentence = f"The target {shown(target)} {_NO_DOT} {case.host}. with a dot."
        return wrong(case, sentence, records)
    addresses = {record for record in records if _is_address(record)}
    if addresses and addresses <= set(case.answers.addresses):
        return right("It leads to this host.", *records)
    sentence = f"It leads to {shown(target)} and not to this host: put this record in its place."
    return wrong(case, sentence, records)


def _is_address(text: str) -> bool:
    try:
        ip_address(text)
    except ValueError:
        return False
    return True


@dataclass(frozen=True, slots=True)
class _Service:
    port: str
    target: str


def srv(case: Case, records: tuple[str, ...]) -> Verdict:
    """RFC 2782, RFC 6186."""
    if not records:
        return missing(case, "SRV record")
    found = [_service(record) for record in records]
    wanted = _service(case.value)
    if wanted in found:
        return right("Mail programs find this host.", *records)
    first = found[0]
    if not first.target:
        sentence = "The record says that there is no such service: put this one in its place."
    elif first.target == case.host:
        sentence = f"The port is {shown(first.port)}, and this host's is {wanted.port}."
    elif first.target.startswith(f"{case.host}."):
        sentence = f"The target {shown(first.target)} {_NO_DOT} {case.host}. with a dot."
    else:
        sentence = f"Mail programs are led to {shown(first.target)} and not to this host."
    return wrong(case, sentence, records)


def _service(record: str) -> _Service:
    words = [*record.split(" "), "", "", "", ""]
    return _Service(words[2], words[3].rstrip("."))


def ptr(case: Case, records: tuple[str, ...]) -> Verdict:
    """Forward-confirmed reverse DNS."""
    address = case.wanted.title.rpartition(" ")[2]
    if not records:
        sentence = (
            f"{address} has no name: have whoever rents it out to you give it the name {case.host}."
        )
        return Verdict(Standing.MISSING, sentence)
    if f"{case.host}." not in records:
        sentence = (
            f"{address} has the name {shown(records[0].rstrip('.'))}: have whoever rents it out to"
            f" you give it the name {case.host}."
        )
        return wrong(case, sentence, records)
    replies = [reply for kind in ("A", "AAAA") for reply in case.answers.all_of((case.host, kind))]
    seen = {record for reply in replies for record in reply.records}
    if seen and address not in seen:
        sentence = (
            f"{address} has the name {case.host}, which leads to another address: give {case.host}"
            f" the address {address} too."
        )
        return wrong(case, sentence, records)
    return right("The address has this host's name, and the name leads back to it.", *records)


def tlsa(case: Case, records: tuple[str, ...]) -> Verdict:
    """RFC 7672: only what DNSSEC proves is heeded."""
    if not records:
        sentence = f"There is none. It is of use where the zone of {case.host} is signed (DNSSEC)."
        return Verdict(Standing.UNSET, sentence)
    if _squeezed(case.value) not in map(_squeezed, records):
        sentence = (
            "No TLSA record has the key of today's certificate, so that servers which go by it"
            " bring no mail: add this record."
        )
        return wrong(case, sentence, records)
    replies = case.answers.all_of((case.wanted.name, "TLSA"))
    if not any(reply.is_secure for reply in replies if reply.outcome is Outcome.RECORDS):
        sentence = "It is right, but nothing here proves it by DNSSEC: others heed it only then."
        return better(sentence, *records)
    return right("Other servers know this host's certificate by it.", *records)


def _squeezed(text: str) -> str:
    return "".join(text.lower().split())


def caa(case: Case, records: tuple[str, ...]) -> Verdict:
    """RFC 8659."""
    issuers = [one for record in records if (one := _issuer(record)) is not None]
    if not issuers:
        return missing(case, "CAA record")
    authority = _issuer(case.value)
    if authority in issuers:
        return right("This authority may make certificates for the domain's names.", *records)
    if not any(issuers):
        sentence = (
            "No authority may make certificates for the domain: put this record in its place."
        )
        return wrong(case, sentence, records)
    others = shown(", ".join(filter(None, issuers)))
    if not case.authority:
        sentence = f"Only {others} may make certificates for the domain's names, as you wish."
        return right(sentence, *records)
    sentence = (
        f"Only {others} may make certificates for the domain's names: {authority}, which makes"
        " those of this host, may not."
    )
    return wrong(case, sentence, records)


def _issuer(record: str) -> str | None:
    """Whom an `issue` record names, "" for nobody; None if it is none."""
    _, _, rest = record.partition(" ")
    tag, _, value = rest.partition(" ")
    if tag != "issue":
        return None
    return value.strip().strip('"').partition(";")[0].strip()
