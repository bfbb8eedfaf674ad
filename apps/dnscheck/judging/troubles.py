"""Zones that cannot be read, and servers that do not answer: one calm sentence for each. Pure."""

from collections.abc import Iterable
from typing import Final

from apps.dnscheck.answers import Answers, Outcome, Problem, Reply, Zone
from apps.dnscheck.findings import Standing
from apps.dnscheck.judging.evidence import Verdict, shown
from apps.dnscheck.records import Wanted
from apps.mailauth import suffixes

_TROUBLES: Final = {
    Problem.OFFLINE: "The name server of this host does not answer, so nothing could be asked.",
    Problem.NO_ZONE: "There is no such domain in the DNS: it is not registered, or not active yet.",
    Problem.BOGUS: (
        "The zone's DNSSEC is broken, so that many servers take nothing from it: have the DS record"
        " at the registrar and the zone's keys brought together, or DNSSEC switched off."
    ),
    Problem.LAME: (
        "The name servers that the domain was handed to do not know it: set it up there, or enter"
        " the right ones at the registrar."
    ),
    Problem.SILENT: "The domain's name servers do not answer.",
    Problem.FORBIDDEN: "The domain's name servers are at addresses that nobody can ask.",
}
# The most telling first.
_OUTCOMES: Final = {
    Outcome.LOOP: (Standing.WRONG, "The name is an alias (CNAME) that leads round in a circle."),
    Outcome.TOO_MUCH: (Standing.UNKNOWN, "The name server sends more than can be read."),
    Outcome.GARBLED: (Standing.UNKNOWN, "The name server sends what cannot be read."),
    Outcome.REFUSED: (Standing.UNKNOWN, "The name server refuses to answer."),
    Outcome.LAME: (Standing.UNKNOWN, "The name server does not know the domain."),
    Outcome.FAILED: (Standing.UNKNOWN, "The name server could not answer just now."),
    Outcome.ALIAS: (Standing.UNKNOWN, "The name is an alias whose target does not answer."),
    Outcome.SILENT: (Standing.UNKNOWN, "No answer came in time."),
}
_AWAY: Final = frozenset({Outcome.REFUSED, Outcome.LAME, Outcome.FAILED, Outcome.GARBLED})


def trouble(answers: Answers) -> str:
    """Why nothing, or not all, could be found out; "" if it could."""
    zone = answers.zone
    if zone.problem in {Problem.SILENT, Problem.FORBIDDEN} and _resolvers_know(answers):
        return ""  # what others see is what counts
    if zone.problem is not Problem.NONE:
        return _TROUBLES[zone.problem]
    away = [one.server for one in answers.own.get(_soa(answers), ()) if one.outcome in _AWAY]
    if away:
        return f"The name server {shown(away[0])} does not know the domain; others do."
    return ""


def _resolvers_know(answers: Answers) -> bool:
    return any(reply.outcome.is_answer for reply in answers.others.get(_soa(answers), ()))


def _soa(answers: Answers) -> tuple[str, str]:
    return answers.domain, "SOA"


def counts(answers: Answers) -> bool:
    """Whether this was a check at all: one that could not ask says nothing about the domain."""
    return answers.zone.problem is not Problem.OFFLINE


def provider(zone: Zone) -> str:
    """Who serves a zone: the domain of its first name server."""
    return suffixes.organisational(zone.servers[0]) if zone.servers else ""


def of_zone(wanted: Wanted, zone: Zone) -> Verdict | None:
    """What a zone that others cannot read does to a record of it; None if it can be read."""
    sentence = _TROUBLES.get(zone.problem, "")
    if zone.problem in {Problem.BOGUS, Problem.LAME} and wanted.is_required:
        return Verdict(Standing.WRONG, sentence)
    if zone.problem is Problem.NO_ZONE and wanted.is_required:
        return Verdict(Standing.MISSING, sentence)
    if zone.problem in {Problem.BOGUS, Problem.LAME, Problem.NO_ZONE, Problem.OFFLINE}:
        return Verdict(Standing.UNKNOWN, sentence)
    return None


def of_replies(replies: Iterable[Reply]) -> Verdict:
    """What to say where nobody gave an answer."""
    seen = {reply.outcome for reply in replies}
    for outcome, (standing, sentence) in _OUTCOMES.items():
        if outcome in seen:
            return Verdict(standing, sentence)
    return Verdict(Standing.UNKNOWN, "It could not be asked for.")
