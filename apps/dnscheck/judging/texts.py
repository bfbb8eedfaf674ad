"""DMARC, MTA-STS and TLS-RPT: texts at a name of their own. Pure."""

import re
from typing import Final

from apps.dnscheck.findings import Standing
from apps.dnscheck.judging.evidence import Case, Verdict, better, missing, right, shown, wrong
from apps.mailauth.dmarc import record
from apps.mailauth.types import Policy
from apps.remote import sts

_RPT: Final = re.compile(r"v=TLSRPTv1[ \t]*;[^;]*rua[ \t]*=[ \t]*(?:mailto:|https:)")
_HEEDED: Final = "and others then heed none of them: leave only one."


def dmarc(case: Case, records: tuple[str, ...]) -> Verdict:
    """RFC 7489."""
    found = [text for text in records if record.is_record(text.encode("ascii", "replace"))]
    if not found:
        return _no_dmarc(case, records)
    if len(found) > 1:
        return wrong(case, f"There are {len(found)} DMARC records, {_HEEDED}", found)
    (text,) = found
    try:
        read = record.parse(text.encode("ascii", "replace"))
    except record.RecordError as error:
        return wrong(case, f"The DMARC record cannot be used: {shown(str(error))}.", found)
    if not re.search(
        r"(?i)(?:^|;)[ \t]*p[ \t]*=[ \t]*(?:none|quarantine|reject)[ \t]*(?:;|$)", text
    ):
        sentence = "The DMARC record has no p= with none, quarantine or reject in it."
        return wrong(case, sentence, found)
    if read.policy is Policy.NONE:
        sentence = (
            "It only watches (p=none): others deliver mail that pretends to be yours. Write"
            " p=quarantine once the reports show nothing of yours that fails."
        )
        return better(sentence, text)
    if read.percent < 100 or read.is_testing:
        return better("It holds for a part of the mail only: take pct= and t= out.", text)
    if not read.reports:
        sentence = "It asks for no reports, which show who sends in your name: add rua=."
        return better(sentence, text)
    return right("Others know what to do with mail that only pretends to be yours.", text)


def _no_dmarc(case: Case, records: tuple[str, ...]) -> Verdict:
    if not records:
        return missing(case, "DMARC record")
    if records[0].startswith(('"', "'", "\\", "“")):
        sentence = "The DMARC record has quotes that are part of it: type it without quotes."
    else:
        sentence = "What stands there does not begin with v=DMARC1, so that it is no DMARC record."
    return wrong(case, sentence, records)


def mta_sts(case: Case, records: tuple[str, ...]) -> Verdict:
    """RFC 8461 section 3.1."""
    if not records:
        sentence = f"Nothing at {case.wanted.name} tells of the policy, so that nobody heeds it."
        return Verdict(Standing.UNSET, sentence)
    ours = [text for text in records if text.startswith("v=STSv1")]
    if len(ours) > 1:
        return wrong(case, f"There are {len(ours)} MTA-STS records, {_HEEDED}", ours)
    found = sts.policy_id(tuple(text.encode("ascii", "replace") for text in records))
    if found is None:
        return wrong(case, "The MTA-STS record cannot be read, so that it counts as none.", records)
    if found != sts.policy_id((case.value.encode(),)):
        sentence = (
            "The id is not that of today's policy, so that others go by an older one: write the id"
            " that stands here."
        )
        return wrong(case, sentence, ours)
    return right("Others learn of the policy.", *ours)


def tls_rpt(case: Case, records: tuple[str, ...]) -> Verdict:
    """RFC 8460 section 3."""
    if not records:
        return missing(case, "record for TLS reports")
    ours = [text for text in records if text.startswith("v=TLSRPTv1")]
    if len(ours) > 1:
        return wrong(case, f"There are {len(ours)} records for TLS reports, {_HEEDED}", ours)
    if not ours or not _RPT.match(ours[0]):
        sentence = "The record for TLS reports cannot be read, so that nobody reports."
        return wrong(case, sentence, ours or records)
    return right("Others report when they cannot reach you under TLS.", *ours)
