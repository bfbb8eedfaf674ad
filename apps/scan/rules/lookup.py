"""What the rules have to look up: four statements for a batch, however large it is."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from apps.directory.homes import homes_of
from apps.directory.models import UserState
from apps.mime import dsn_reading
from apps.reception import queries as reception
from apps.reception.keys import key_of
from apps.runtime.rows import Values, among, fetch, listed
from apps.scan.base import Case, Given
from apps.scan.rules.seen import Seen, shown_domains

AUTHORS_MAX: Final = 5  # mailboxes of From that are looked at
COLLEAGUES_MAX: Final = 500  # rows for one batch
NAME_LEAST: Final = 5  # letters of a name that is somebody's

_NAMES: Final = Values("asked", "name text")
_IDS: Final = Values("asked", "id text")
_COLLEAGUES: Final = """
SELECT u.name, u.address, u.key, d.organization_id
FROM {asked}
JOIN directory_user u ON u.name = asked.name
JOIN directory_domain d ON d.id = u.domain_id
WHERE u.state <> %s AND {organizations}
ORDER BY u.id LIMIT %s"""
_SENT: Final = """
SELECT DISTINCT s.message_id FROM {asked} JOIN trace_sent s ON s.message_id = asked.id"""
_ASIDE: Final = re.compile(r"[\"'()\[\]<>]|\s+")


@dataclass(frozen=True, slots=True)
class _Asked:
    """What one case has to know."""

    domains: tuple[str, ...]
    names: tuple[str, ...]
    organizations: tuple[int, ...]
    returned: str  # Message-ID with its brackets
    list: str  # the domain of the mailing list that brings it
    id: str  # its own Message-ID, if a list brings it


def gather(cases: Sequence[Case]) -> list[Given]:
    """For each case: `ours`, `colleagues`, `returned`, `list`; what says nothing is left out."""
    asked = [_asked(case) for case in cases]
    ours = homes_of(sorted({domain for one in asked for domain in one.domains}))
    colleagues = _colleagues(asked)
    sent = _sent({name for one in asked for name in (one.returned, one.id) if name})
    lists = {key_of(one.list) for one in asked if one.list}
    known = reception.known(sorted(lists)) if lists else set()
    return [_given(one, ours, colleagues, sent, known) for one in asked]


def _asked(case: Case) -> _Asked:
    authors = case.letter.authors[:AUTHORS_MAX]
    domains = [one.domain for one in authors if one.domain]
    domains += [domain for one in authors for domain in shown_domains(one.name)]
    list_domain = Seen(case, None).list_domain
    names = [] if case.is_outgoing else [name for one in authors for name in name_forms(one.name)]
    return _Asked(
        tuple(dict.fromkeys(domains)),
        tuple(dict.fromkeys(names)),
        tuple(sorted({reader.organization_id for reader in case.readers})),
        _returned(case),
        list_domain,
        f"<{case.letter.message_id}>" if list_domain and _is_text(case.letter.message_id) else "",
    )


def name_forms(shown: str) -> tuple[str, ...]:
    """How the person whom a display name shows may be called in the directory: none for a single
    word, which many are called."""
    name = " ".join(_ASIDE.sub(" ", shown).split())[:200]
    words = name.replace(",", " ").split()
    if not 2 <= len(words) <= 5 or len(name) < NAME_LEAST:
        return ()
    last, comma, first = name.partition(",")
    straight = f"{first.strip()} {last.strip()}" if comma else name
    return tuple(dict.fromkeys((name, straight, straight.title(), straight.lower())))


def _returned(case: Case) -> str:
    """The Message-ID of what a bounce returns, "" if it is no bounce or does not say."""
    if case.sender or case.is_outgoing:
        return ""
    reading = dsn_reading.read(case.raw)
    return reading.message_id if reading is not None else ""


def _is_text(text: str) -> bool:
    """Whether a text column takes it."""
    return bool(text) and text.isprintable()


def _colleagues(asked: Iterable[_Asked]) -> dict[str, list[dict[str, Any]]]:
    """Users by their name, of those who are called as some author is."""
    asked = [one for one in asked if one.names and one.organizations]
    names = sorted({name for one in asked for name in one.names})
    organizations = sorted({number for one in asked for number in one.organizations})
    if not names:
        return {}
    sql = _COLLEAGUES.format(asked=_NAMES.sql, organizations=among("d.organization_id"))
    found: dict[str, list[dict[str, Any]]] = {}
    rows = fetch(
        sql,
        [
            *_NAMES.parameters([(name,) for name in names]),
            UserState.REMOVED,
            listed(organizations),
            COLLEAGUES_MAX,
        ],
    )
    for name, address, key, organization in rows:
        known = {"name": name, "shown": address, "address": key, "organization": organization}
        found.setdefault(name, []).append(known)
    return found


def _sent(ids: set[str]) -> set[str]:
    if not ids:
        return set()
    rows = fetch(_SENT.format(asked=_IDS.sql), _IDS.parameters([(one,) for one in sorted(ids)]))
    return {row[0] for row in rows}


def _given(
    one: _Asked,
    ours: Iterable[str],
    colleagues: dict[str, list[dict[str, Any]]],
    sent: set[str],
    known: set[int],
) -> Given:
    found: dict[str, Any] = {}
    if domains := [domain for domain in one.domains if domain in ours]:
        found["ours"] = domains
    theirs = [
        known
        for name in one.names
        for known in colleagues.get(name, ())
        if known["organization"] in one.organizations
    ]
    if theirs:
        found["colleagues"] = theirs[:20]
    if one.returned:
        found["returned"] = one.returned in sent
    if one.list and (key_of(one.list) in known or one.id in sent):
        found["list"] = True
    return found or None
