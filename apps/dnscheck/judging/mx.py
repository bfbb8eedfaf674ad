"""MX: where mail goes (RFC 5321 section 5.1). Pure."""

from dataclasses import dataclass
from ipaddress import ip_address

from apps.dnscheck.answers import Outcome
from apps.dnscheck.judging.evidence import Case, Verdict, better, missing, right, shown, wrong


@dataclass(frozen=True, slots=True)
class Exchanger:
    """An MX record."""

    preference: int
    host: str
    text: str


def judge(case: Case, records: tuple[str, ...]) -> Verdict:
    """Whether mail comes here, and nowhere else first."""
    found = sorted(
        (one for record in records if (one := _read(record))), key=lambda one: one.preference
    )
    if not found:
        return missing(case, "MX record")
    if any(not one.host for one in found):
        return _null(case, found)
    ours = [one for one in found if one.host == case.host]
    if not ours:
        return _elsewhere(case, found)
    others = [one for one in found if one.host != case.host]
    first = ours[0].preference
    ahead = [one for one in others if one.preference <= first]
    texts = [one.text for one in found]
    if ahead:
        how = "first" if ahead[0].preference < first else "as often as here"
        sentence = (
            f"Mail goes to {shown(ahead[0].host)} {how}: remove that record, or give it a larger"
            f" number than {first}."
        )
        return wrong(case, sentence, [ahead[0].text, *texts])
    if others:
        sentence = (
            f"Mail comes here; when this host is away it goes to {shown(others[0].host)}, which"
            " is right only if that one hands it on to this host."
        )
        return better(sentence, *texts)
    return right("Mail for the domain comes to this host.", *texts)


def _read(record: str) -> Exchanger | None:
    preference, _, host = record.partition(" ")
    if not preference.isdigit():
        return None
    return Exchanger(int(preference), host.strip().rstrip("."), record)


def _null(case: Case, found: list[Exchanger]) -> Verdict:
    texts = [one.text for one in found]
    if len(found) == 1:
        sentence = (
            "The domain says that it takes no mail at all (a null MX): put this record in its"
            " place."
        )
    else:
        sentence = "One of the MX records names no host (a null MX): remove it."
    return wrong(case, sentence, texts)


def _elsewhere(case: Case, found: list[Exchanger]) -> Verdict:
    """No MX record names this host."""
    best = found[0]
    texts = [one.text for one in found]
    domain = case.answers.domain
    if best.host.startswith(f"{case.host}.") and best.host.endswith(domain):
        sentence = (
            f"The MX record names {shown(best.host)}: the host's name lacks its final dot, so that"
            f" the domain was added to it. Write {case.host}. with a dot at its end."
        )
        return wrong(case, sentence, texts)
    if _is_address(best.host, domain):
        sentence = (
            f"The MX record names an address, {shown(best.host)}, where only a host's name may"
            f" stand: write {case.host}."
        )
        return wrong(case, sentence, texts)
    reply = case.answers.hosts.get(best.host)
    if reply is None or not reply.outcome.is_answer:
        return wrong(case, _goes_to(case, best.host), texts)
    if reply.outcome is not Outcome.RECORDS:
        what = "does not exist" if reply.outcome is Outcome.NO_NAME else "has no address"
        sentence = f"The MX record names {shown(best.host)}, which {what}: write {case.host}."
        return wrong(case, sentence, texts)
    if not set(reply.records) <= set(case.answers.addresses):
        return wrong(case, _goes_to(case, best.host), texts)
    if reply.canonical:
        sentence = (
            f"The MX record names {shown(best.host)}, which is only an alias (CNAME) of this host;"
            f" some servers refuse that: write {case.host}."
        )
        return wrong(case, sentence, texts)
    sentence = (
        f"Mail comes here under the name {shown(best.host)}, which this host's certificate may not"
        f" have: write {case.host}."
    )
    return better(sentence, *texts)


def _goes_to(case: Case, host: str) -> str:
    return (
        f"Mail goes to {shown(host)} and not to this host: put this record in place of those that"
        " are there."
    )


def _is_address(host: str, domain: str) -> bool:
    """Whether somebody typed an address; forms that add the domain make a name of it."""
    try:
        ip_address(host.removesuffix(f".{domain}"))
    except ValueError:
        return False
    return True
