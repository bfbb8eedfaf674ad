"""Rules about who it says wrote it, and who is to get the answer. Pure."""

import re
from ipaddress import ip_address, ip_network
from typing import Final

from apps.mailauth.suffixes import organisational
from apps.scan.history.freemail import is_freemail
from apps.scan.rules.book import Book, Weighed
from apps.scan.rules.seen import Seen, shown_domains, shows_address

BOOK: Final = Book()

_RANDOM: Final = re.compile(r"(?=(?:[a-z]*\d+[a-z]+){3})[a-z0-9]{12,64}")
_VIA: Final = re.compile(r"\b(?:via|über|par|por|tramite)\b", re.IGNORECASE)


# RFC 1918, RFC 4193, link-local and loopback; `is_private` would take in what is for examples.
_PRIVATE: Final = tuple(
    ip_network(one)
    for one in (
        *("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "127.0.0.0/8", "169.254.0.0/16"),
        *("fc00::/7", "fe80::/10", "::1/128"),
    )
)
NEAR: Final = 0.9
"""What it counts to write in our name from a private network or this very machine."""


@BOOK.rule("FROM_NONE", 2.5, "it names no author: there is no address in From")
def none(seen: Seen) -> str | None:
    return None if seen.person.address else "it does not say who wrote it"


@BOOK.rule("FROM_NO_NAME", 0.3, "its author has an address and no name", incoming=True)
def no_name(seen: Seen) -> str | None:
    person = seen.person
    return (
        f"its author has no name but {person.address}"
        if person.domain and not person.name
        else None
    )


@BOOK.rule("FROM_SEVERAL", 1.0, "From names several people, which mail programs show in part")
def several(seen: Seen) -> str | None:
    count = len(seen.letter.authors)
    return f"its From field names {count} people" if count > 1 else None


@BOOK.rule(
    "FROM_OURS_UNPROVEN",
    5.0,
    "it says that it is from a domain of this server, comes from elsewhere, and nothing proves it;"
    " 0.9 if it comes from a private network",
    incoming=True,
)
def ours_unproven(seen: Seen) -> str | Weighed | None:
    domain = seen.person.domain
    if domain not in seen.ours or not seen.is_unproven or seen.is_known_list:
        return None
    words = f"it says that it is from {seen.person.address}, and did not come from here"
    # Printers, scanners and jobs of our own network write so, and nobody gave them a password.
    return Weighed(words, NEAR) if _is_near(seen) else words


def _is_near(seen: Seen) -> bool:
    try:
        address = ip_address(str(seen.case.client.get("address", "")))
    except ValueError:
        return False
    return any(address in network for network in _PRIVATE if network.version == address.version)


@BOOK.rule(
    "FROM_OURS_BY_LIST",
    0.3,
    "it says that it is from a domain of this server, and a mailing list that is known here brought"
    " it, or one that brings what was sent from here",
    incoming=True,
)
def ours_by_list(seen: Seen) -> str | None:
    domain = seen.person.domain
    if domain not in seen.ours or not seen.is_unproven or not seen.is_known_list:
        return None
    return f"the list {seen.list_domain} brings what it says {seen.person.address} wrote"


@BOOK.rule(
    "FROM_NAME_OURS",
    3.5,
    "the display name shows an address or a domain of this server, the author is somebody else",
    incoming=True,
)
def name_ours(seen: Seen) -> str | None:
    shown = _other_domains(seen) & seen.ours
    if not shown or seen.person.domain in seen.ours or seen.is_known_list:
        return None
    return f"the name of its author shows {min(shown)}, the address is {seen.person.address}"


@BOOK.rule(
    "FROM_NAME_ADDRESS",
    2.0,
    "the display name is an address of another domain than the address behind it",
)
def name_address(seen: Seen) -> str | None:
    name = seen.person.name
    shown = _other_domains(seen) - seen.ours
    if not shown or not shows_address(name) or seen.is_bulk or _VIA.search(name):
        return None
    return f"the name of its author is “{name[:100]}”, the address is {seen.person.address}"


def _other_domains(seen: Seen) -> set[str]:
    """The domains that the display name shows and that are not of the author's organisation."""
    own = organisational(seen.person.domain) if seen.person.domain else ""
    return {one for one in shown_domains(seen.person.name) if organisational(one) != own}


@BOOK.rule(
    "FROM_COLLEAGUE",
    2.5,
    "the display name is that of a user of the reader's organisation, the address is elsewhere",
    incoming=True,
)
def colleague(seen: Seen) -> list[Weighed]:
    person = seen.person
    if person.domain in seen.ours or seen.is_known_list:
        return []
    found: dict[int, str] = {}  # by reader: each has colleagues of one organisation
    for known in seen.colleagues:
        if known["address"] != person.address:
            words = (
                f"its author is called {known['name']}, as {known['shown']} is, and writes from"
                f" {person.address}"
            )
            for reader in seen.case.readers:
                if reader.organization_id == known["organization"]:
                    found.setdefault(reader.user_id, words)
    if len(found) == len(seen.case.recipients) and len(set(found.values())) == 1:
        return [Weighed(next(iter(found.values())), 2.5)]
    return [Weighed(words, 2.5, reader) for reader, words in found.items()]


@BOOK.rule(
    "FROM_RANDOM",
    1.0,
    "the author's address looks as if a machine made it, and nothing proves it",
    incoming=True,
)
def random(seen: Seen) -> str | None:
    local = seen.person.local
    if not seen.is_unproven or not _RANDOM.fullmatch(local):
        return None
    return f"the address of its author looks random: {seen.person.address}"


@BOOK.rule(
    "REPLY_TO_FREEMAIL",
    1.5,
    "answers go to a free mail provider, although it is from a domain of its own",
)
def reply_to_freemail(seen: Seen) -> str | None:
    person = seen.person
    if not person.domain or seen.is_from_freemail or seen.is_list_post:
        return None
    for one in seen.letter.reply_to:
        if is_freemail(one.domain) and one.local != person.local:
            return f"it is from {person.domain}, and answers go to {one.address}"
    return None


@BOOK.rule(
    "REPLY_TO_STRANGER",
    2.0,
    "it is from a free mail provider, and answers go to somebody at another one",
)
def reply_to_stranger(seen: Seen) -> str | None:
    person = seen.person
    if not seen.is_from_freemail or seen.is_list_post or seen.is_bulk:
        return None
    for one in seen.letter.reply_to:
        if is_freemail(one.domain) and one.domain != person.domain and one.local != person.local:
            return f"it is from {person.address}, and answers go to {one.address}"
    return None


@BOOK.rule(
    "REPLY_TO_ELSEWHERE",
    0.5,
    "answers go to another organisation than the one it is from",
)
def reply_to_elsewhere(seen: Seen) -> str | None:
    person = seen.person
    if not person.domain or seen.is_bulk or is_freemail(person.domain):
        return None
    own = organisational(person.domain)
    for one in seen.letter.reply_to:
        if one.domain and organisational(one.domain) != own and not is_freemail(one.domain):
            return f"it is from {person.domain}, and answers go to {one.domain}"
    return None
