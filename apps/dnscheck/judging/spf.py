"""SPF: judged by what the record does for mail from this host. Pure: `spfproof` has tried it."""

from typing import Final

from apps.dnscheck.findings import Standing
from apps.dnscheck.judging.evidence import Case, Verdict, better, missing, right, shown, wrong
from apps.mailauth.spf import record
from apps.mailauth.types import Result, Spf

_MOST_LOOKUPS: Final = "look-ups"
_DENIED: Final = frozenset({Result.FAIL, Result.SOFTFAIL, Result.NEUTRAL, Result.NONE})


def judge(case: Case, records: tuple[str, ...]) -> Verdict:
    """Whether the domain lets this host send."""
    found = [text for text in records if record.is_record(text.encode("ascii", "replace"))]
    if not found:
        return _none(case, records)
    if len(found) > 1:
        sentence = (
            f"There are {len(found)} SPF records, and others then heed none of them: make one of"
            " them that names all your servers."
        )
        return wrong(case, sentence, found)
    proofs = list(case.answers.spf.values())
    if not proofs:
        return _unproved(case, found[0])
    worst = next((one for one in proofs if one.result is not Result.PASS), None)
    if worst is not None:
        return _refused(case, found[0], worst, len(proofs))
    return _passed(case, found[0], proofs)


def _none(case: Case, records: tuple[str, ...]) -> Verdict:
    meant = [text for text in records if "spf" in text.lower()[:40] or "spf1" in text.lower()]
    if not meant:
        return missing(case, "SPF record")
    text = meant[0]
    if text.startswith(('"', "'", "\\", "“", " ")):
        sentence = (
            "The SPF record begins with a quote or a space that is part of it, so that it is none:"
            " type it without quotes."
        )
    else:
        sentence = "The SPF record does not begin with v=spf1 and a space, so that it is none."
    return wrong(case, sentence, meant)


def _unproved(case: Case, text: str) -> Verdict:
    if text.lower() == case.value.lower():
        return right("The domain lets this host send.", text)
    sentence = (
        f"Whether it lets this host send cannot be worked out: {case.host} has no address in the"
        " DNS yet."
    )
    if case.answers.addresses:
        sentence = "Whether it lets this host send could not be worked out in time."
    return Verdict(Standing.UNKNOWN, sentence, (text,))


def _refused(case: Case, text: str, proof: Spf, addresses: int) -> Verdict:
    if proof.result is Result.TEMPERROR:
        sentence = "A name that the SPF record leads to does not answer just now."
        return Verdict(Standing.UNKNOWN, sentence, (text,))
    if proof.result is Result.PERMERROR:
        return wrong(case, _error(proof), [text])
    some = "one of this host's addresses" if addresses > 1 else "this host"
    sentence = (
        f"The SPF record does not let {some} send mail of the domain: put a:{case.host} into it,"
        " before its end."
    )
    return wrong(case, sentence, [text])


def _error(proof: Spf) -> str:
    if _MOST_LOOKUPS in proof.reason and "does not exist" not in proof.reason:
        return (
            "The SPF record leads to more than 10 further look-ups, and others then heed nothing"
            " of it: take includes out that are not needed."
        )
    return f"The SPF record cannot be used: {shown(proof.reason)}."


def _passed(case: Case, text: str, proofs: list[Spf]) -> Verdict:
    terms = text.lower().split(" ")
    if any(one.mechanism.lower() in {"all", "+all"} for one in proofs) or "+all" in terms:
        sentence = (
            "The SPF record lets the whole world send mail of the domain: write ~all at its end."
        )
        return wrong(case, sentence, [text])
    if "?all" in terms or not any("all" in term or "redirect=" in term for term in terms):
        sentence = "This host may send; nothing is said against all others: write ~all at the end."
        return better(sentence, text)
    return right("The domain lets this host send.", text)
