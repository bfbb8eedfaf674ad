"""A domain's records as a zone file (RFC 1035 section 5) that other name servers load."""

from collections.abc import Iterable

from apps.directory.models import Domain
from apps.dnscheck.hostname import NAMING
from apps.dnscheck.records import Wanted

TTL = 3_600  # seconds
_STRING = 255  # octets of one string of a TXT record (RFC 1035 section 3.3)


def zone_file(domain: Domain, wanted: Iterable[Wanted], lost_host: str = "") -> str:
    """The records that stand in the domain's own zone; those of this host's are comments.

    Args:
        lost_host: the name of this host, if nobody can find it by that: what names it is a comment.
    """
    lines = [
        f"; Mail of {domain.name}: to be added to its zone.",
        f"$ORIGIN {domain.name}.",
        f"$TTL {TTL}",
    ]
    if lost_host:
        lines.append(f"; {lost_host} is no name that others can find: set MAIL_HOSTNAME first.")
    for one in wanted:
        lines += _notes(one, domain)
        mark = "" if _is_within(one.name, domain.name) else "; elsewhere: "
        if lost_host and one.kind in NAMING:
            mark = "; cannot work: "
        lines += [f"{mark}{_owner(one, domain)} IN {one.type} {_value(one, v)}" for v in one.values]
    return "\n".join(lines) + "\n"


def _notes(one: Wanted, domain: Domain) -> list[str]:
    """A host of the same zone is of no use without its addresses, which are not ours to know."""
    host = one.values[0].rpartition(" ")[2].rstrip(".")
    if one.type == "MX" and _is_within(host, domain.name):
        return [f"; {host}. needs A and AAAA records as well: the addresses of this host."]
    return []


def _is_within(name: str, zone: str) -> bool:
    return name == zone or name.endswith(f".{zone}")


def _owner(one: Wanted, domain: Domain) -> str:
    return one.host if _is_within(one.name, domain.name) else f"{one.name}."


def _value(one: Wanted, value: str) -> str:
    return strings(value) if one.type == "TXT" else value


def strings(text: str) -> str:
    """A text as the strings of a TXT record, each within its limit and quoted."""
    pieces = [text[at : at + _STRING] for at in range(0, len(text) or 1, _STRING)]
    return " ".join(f'"{_escaped(piece)}"' for piece in pieces)


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"')
