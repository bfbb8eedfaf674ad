"""Many servers, one finding. Pure.

What those in charge of the zone say counts, if they agree; a resolver that says something else has
an old copy, and waits for its end. Where none of those in charge can be asked, resolvers count.
"""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Final

from apps.dnscheck import questions
from apps.dnscheck.answers import Answers, Key, Outcome, Reply
from apps.dnscheck.findings import Finding, Standing
from apps.dnscheck.judging import dkim, mx, names, spf, texts, troubles
from apps.dnscheck.judging.evidence import Case, Judge, Verdict, shown, wrong
from apps.dnscheck.kept import FOUND_LONGEST, FOUND_MOST
from apps.dnscheck.records import Kind, Wanted

_JUDGES: Final[dict[Kind, Judge]] = {
    Kind.MX: mx.judge,
    Kind.SPF: spf.judge,
    Kind.DKIM: dkim.judge,
    Kind.DMARC: texts.dmarc,
    Kind.MTA_STS: texts.mta_sts,
    Kind.POLICY_HOST: names.alias,
    Kind.TLS_RPT: texts.tls_rpt,
    Kind.AUTOCONFIG: names.alias,
    Kind.AUTODISCOVER: names.alias,
    Kind.SRV: names.srv,
    Kind.TLSA: names.tlsa,
    Kind.CAA: names.caa,
    Kind.PTR: names.ptr,
}
_ABSENT: Final = frozenset({Standing.MISSING, Standing.UNSET})
_LONGEST_TTL: Final = 7 * 86_400  # seconds; a copy that claims to last longer is not believed


def judge(
    wanted: Iterable[Wanted], answers: Answers, *, host: str, authority: str = ""
) -> tuple[Finding, ...]:
    """A finding for each of the records.

    Args:
        host: this one's name.
        authority: who made its certificate, as CAA calls it; "" if that is not known.
    """
    return tuple(_finding(Case(one, answers, host, authority)) for one in wanted)


def _finding(case: Case) -> Finding:
    own = _replies(case, case.answers.own)
    others = _replies(case, case.answers.others)
    bench = _Bench(case, own, others)
    verdict, expires = bench.weigh()
    return Finding(
        wanted=case.wanted,
        standing=verdict.standing,
        sentence=verdict.sentence,
        found=tuple(text[:FOUND_LONGEST] for text in verdict.found[:FOUND_MOST]),
        pieces=verdict.pieces,
        seen=sum(bench.is_fine(one) for one in (*own, *others)),
        asked=len(own) + len(others),
        expires_at=None if expires is None else case.answers.asked_at + timedelta(seconds=expires),
    )


def _replies(case: Case, table: Mapping[Key, tuple[Reply, ...]]) -> list[Reply]:
    """What each server said of a record; of an alias, its target and the addresses."""
    keys = questions.keys_of(case.wanted)
    first = table.get(keys[0], ())
    if case.wanted.kind not in questions.ALIASES:
        return list(first)
    second = {one.server: one for one in table.get(keys[1], ())}
    return [_joined(one, second.get(one.server)) for one in first]


def _joined(ipv4: Reply, ipv6: Reply | None) -> Reply:
    both = [one for one in (ipv4, ipv6) if one is not None]
    of = next((one for one in both if one.outcome is Outcome.RECORDS), ipv4)
    target = next((one.canonical for one in both if one.canonical), "")
    records = [record for one in both for record in one.records]
    if target and of.outcome in {Outcome.RECORDS, Outcome.EMPTY, Outcome.NO_NAME, Outcome.ALIAS}:
        return replace(of, outcome=Outcome.RECORDS, records=(f"{target}.", *records))
    return replace(of, records=tuple(records))


class _Bench:
    """Weighs the answers on one record."""

    def __init__(self, case: Case, own: list[Reply], others: list[Reply]) -> None:
        self._case = case
        self._replies = (*own, *others)
        self._own = [one for one in own if one.outcome.is_answer]
        self._others = [one for one in others if one.outcome.is_answer]
        self._known: dict[tuple[str, ...], Verdict] = {}
        basis = self._own or self._others
        self._first = basis[0] if basis else None

    def weigh(self) -> tuple[Verdict, float | None]:
        """The verdict, and in how many seconds the last old copy ends."""
        case = self._case
        is_foreign = case.wanted.kind in questions.HOSTS
        if not is_foreign and (verdict := troubles.of_zone(case.wanted, case.answers.zone)):
            return verdict, None
        if case.wanted.host == "@" and case.answers.zone.has_apex_alias:
            return wrong(case, _APEX, ()), None
        if self._first is None:
            return troubles.of_replies(self._replies), None
        verdict = self._judged(self._first)
        odd = [one for one in self._own if self.is_fine(one) is not verdict.is_good]
        if odd:
            return self._at_odds(verdict, odd[0]), None
        late = [one for one in self._others if not self.is_fine(one)]
        if verdict.is_good and late:
            return self._waiting(verdict), min(max(one.ttl for one in late), _LONGEST_TTL)
        if not self._own and any(map(self.is_fine, self._others)) and late:
            good = self._judged(next(filter(self.is_fine, self._others)))
            return self._waiting(good), min(max(one.ttl for one in late), _LONGEST_TTL)
        return self._explained(verdict), None

    def is_fine(self, reply: Reply) -> bool:
        """Whether what a server said is right. What SPF does was tried of one record only: others
        have that one, or an old one."""
        if not reply.outcome.is_answer or self._first is None:
            return False
        if self._case.wanted.kind is Kind.SPF and self._said(reply) != self._said(self._first):
            return False
        return self._judged(reply).is_good

    def _judged(self, reply: Reply) -> Verdict:
        records = self._said(reply)
        if records not in self._known:
            self._known[records] = _JUDGES[self._case.wanted.kind](self._case, records)
        return self._known[records]

    def _said(self, reply: Reply) -> tuple[str, ...]:
        """The records of an answer that are about this, in an order that means nothing."""
        records = reply.records
        if self._case.wanted.kind is Kind.SPF:
            records = tuple(one for one in records if "spf" in one.lower())
        if self._is_below_apex and set(records) <= set(self._stray()):
            return ()
        if self._case.wanted.kind in questions.ALIASES:
            return records
        return tuple(sorted(records))

    @property
    def _is_below_apex(self) -> bool:
        return self._case.wanted.type == "TXT" and self._case.wanted.host != "@"

    def _stray(self) -> tuple[str, ...]:
        """What a wildcard answers to any name."""
        replies = self._case.answers.all_of((self._case.answers.stray, "TXT"))
        return next((one.records for one in replies if one.records), ())

    def _at_odds(self, verdict: Verdict, odd: Reply) -> Verdict:
        good = [one for one in self._own if self.is_fine(one)]
        bad = next(one for one in self._own if not self.is_fine(one))
        sentence = (
            f"Your name servers do not agree: {shown(good[0].server)} has it right, and"
            f" {shown(bad.server)} has not: see that all of them get the newest zone."
        )
        found = (verdict if not verdict.is_good else self._judged(odd)).found
        return Verdict(Standing.WRONG, sentence, found)

    def _waiting(self, verdict: Verdict) -> Verdict:
        sentence = (
            "It is right at your name servers. Others have an old copy, which ends by itself."
        )
        return Verdict(Standing.WAITING, sentence, verdict.found)

    def _explained(self, verdict: Verdict) -> Verdict:
        """An absence that has a reason: a wildcard hides it, or the record landed elsewhere."""
        if verdict.standing not in _ABSENT or self._first is None:
            return verdict
        case = self._case
        key = questions.doubled_name(case.wanted, case.answers.domain), case.wanted.type
        for reply in case.answers.all_of(key):
            is_wildcard = set(reply.records) <= set(self._stray())
            if not is_wildcard and self._judged(reply).standing not in _ABSENT:
                return wrong(case, _doubled(case, key[0]), ())
        if self._is_below_apex and self._first.records:
            sentence = (
                f"Only a wildcard record (*.{case.answers.domain}) answers at {case.wanted.name}:"
                " add this record itself."
            )
            return Verdict(verdict.standing, sentence, self._first.records)
        return verdict


_APEX: Final = (
    "There is an alias (CNAME) at the domain's own name, beside which nothing else can stand: put"
    " A and AAAA records in its place."
)


def _doubled(case: Case, name: str) -> str:
    what = "nothing, or @," if case.wanted.host == "@" else case.wanted.host
    return (
        f"The record stands at {name}, for the form adds the domain by itself: type {what} as its"
        " name."
    )
