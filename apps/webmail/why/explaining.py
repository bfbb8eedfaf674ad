"""Why a message is where it is, in words for its reader: who proves the sender, what the filter
found, what it counted, and what the reader's own lists said.

Two sources, both of our own making: the Authentication-Results in `Message.prefix`, and the verdict
that was kept. A field of that name within the message is a stranger's, and read by nobody here. Of
the verdict a reader is told what is said of all readers and of them, never of another's copy.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from django.utils.translation import gettext as _

from apps.mailauth import reading as results
from apps.mailauth.reading import Findings
from apps.mailstore.models import SpecialUse
from apps.mailstore.queries import Shown
from apps.mime.address import take_apart
from apps.mime.headers import scan
from apps.scan import queries
from apps.scan.base import Action
from apps.scan.deeds import Done
from apps.scan.queries import Judged
from apps.scan.reasons import Counted
from apps.scan.record import BrokenRecordError
from apps.scan.verdict import Opinion, Standing, Verdict

TOP: Final = 5  # rules shown at once
MOST: Final = 200  # rules shown at all
_JUNK, _REFUSE = 5.0, 15.0  # where a gauge's marks stand if no threshold is set
_LOOKS: Final = {
    "pass": ("ok", "circle-check"),
    "none": ("neutral", "circle-alert"),
    "neutral": ("neutral", "circle-alert"),
    "softfail": ("warn", "circle-alert"),
    "temperror": ("warn", "circle-alert"),
    "permerror": ("warn", "circle-alert"),
    "policy": ("warn", "circle-alert"),
    "fail": ("bad", "circle-x"),
}


@dataclass(frozen=True, slots=True)
class Check:
    """One check: what was looked at, how it came out, in a word and in a sentence."""

    name: str
    word: str
    look: str
    icon: str
    text: str


@dataclass(frozen=True, slots=True)
class Score:
    """Points against the reader's own limits; `refuse` never stands below `junk`."""

    points: float
    junk: float
    refuse: float

    @property
    def shown(self) -> str:
        """The points as people write them."""
        return f"{self.points:.1f}".replace("-", "\u2212")


@dataclass(frozen=True, slots=True)
class Why:
    """All that is said.

    Args:
        look, icon: of the verdict: ok, warn, bad, neutral.
        score: None where nothing was counted for this reader.
        wishes: what the reader's, the domain's or the server's lists and thresholds decided.
        deed: what was done when it came; "" if that is not known.
        fields: our own Received and Authentication-Results, as they stand on top of the message.
    """

    look: str
    icon: str
    title: str
    text: str
    checks: tuple[Check, ...]
    score: Score | None
    top: tuple[Counted, ...]
    reasons: tuple[Counted, ...]
    wishes: tuple[str, ...]
    deed: str
    fields: str
    is_junk: bool


def why(user_id: int, trace_id: UUID, shown: Shown, use: str) -> Why:
    """Explain a copy of a reader's; one query.

    Args:
        use: `SpecialUse` of the mailbox that it lies in now.
    """
    judged = _mine(user_id, queries.of_traces([trace_id]).get(trace_id, []))
    verdict = _verdict(judged)
    opinion = verdict.opinions.get(user_id) if verdict else None
    standing = verdict.standings.get(user_id, Standing()) if verdict else Standing()
    found = _findings(shown.trace)
    reasons = tuple(_reasons(verdict, user_id)) if verdict and opinion else ()
    is_junk = use == SpecialUse.JUNK
    look, icon, title, text = _said(opinion, found, bool(shown.trace), is_junk=is_junk)
    return Why(
        *(look, icon, title, text),
        checks=(*_checks(found), *_connection(shown.trace), *_virus(verdict)),
        score=_score(opinion, standing),
        top=reasons[:TOP],
        reasons=reasons,
        wishes=tuple(_wishes(standing)),
        deed=_deed(judged, user_id),
        fields=shown.trace.decode("utf-8", "replace").replace("\r\n", "\n").rstrip(),
        is_junk=is_junk,
    )


def _mine(user_id: int, found: Sequence[Judged]) -> Judged | None:
    """The newest verdict by which a copy of this reader was dealt with."""
    mine = [one for one in found if any(deed.user_id == user_id for deed in one.deeds)]
    return mine[-1] if mine else None


def _verdict(judged: Judged | None) -> Verdict | None:
    try:
        return judged.record.verdict if judged is not None else None
    except BrokenRecordError:
        return None


def _findings(prefix: bytes) -> Findings | None:
    value = scan(prefix).first(b"authentication-results") if prefix else None
    found = results.read(value) if value is not None else None
    return found if found is not None and found.host else None


def _said(
    opinion: Opinion | None, found: Findings | None, came_in: bool, *, is_junk: bool
) -> tuple[str, str, str, str]:
    """Look, icon, heading and sentence."""
    if opinion is None and not came_in:
        text = _(
            "It was put here by a mail program, by an import, or it is your own. It did not come in"
            " through the filter, so nothing was checked."
        )
        return "warn", "info", _("This did not come in as mail here"), text
    if opinion is None:
        text = _("Nothing is kept any more of what the filter found, or it did not look.")
        return "warn", "info", _("The filter's verdict is not known"), text
    why = opinion.why[:1].upper() + opinion.why[1:] + "." if opinion.why else ""
    is_failed = found is not None and any(
        one.method == "dmarc" and one.result == "fail" for one in found.results
    )
    if opinion.action is not Action.NONE:
        title = _("The filter put it into Junk") if is_junk else _("The filter warned of it")
        return "bad", "shield-x", title, why or _("It looks like junk.")
    if is_junk:
        text = _("The filter saw nothing against it: it was moved here later, or by a filter rule.")
        return "warn", "info", _("Moved to Junk"), text
    if is_failed:
        text = _("It failed a check of its sender, and the rest spoke for it.")
        return "warn", "shield-alert", _("Nothing spoke strongly enough against it"), text
    little = _("What speaks against it is too little for Junk.")
    none = _("The filter found nothing that speaks against it.")
    text = why or (little if opinion.points > 0 else none)
    return "ok", "shield-check", _("It belongs here"), text


def _checks(found: Findings | None) -> Iterator[Check]:
    """SPF, DKIM, DMARC and ARC as we found them."""
    names = {
        "spf": _("Sending server (SPF)"),
        "dkim": _("Signature (DKIM)"),
        "dmarc": _("Domain policy (DMARC)"),
        "arc": _("Servers on the way (ARC)"),
    }
    for one in found.results if found is not None else ():
        if one.method not in names:
            continue
        look, icon = _LOOKS.get(one.result, ("neutral", "circle-alert"))
        if one.method == "dkim" and one.result == "fail":
            look, icon = "warn", "circle-x"  # lists break signatures; DMARC says what counts
        named = one.get("header", "d") or one.get("header", "from") or one.get("smtp", "mailfrom")
        domain = take_apart(named)[1]
        text = _sentence(one.method, one.result, domain or _("the sender"))
        yield Check(names[one.method], one.result, look, icon, text)


def _sentence(method: str, result: str, domain: str) -> str:
    good = {
        "spf": _("{domain} names the server that brought it as one of its own."),
        "dkim": _("Signed by {domain}. Nothing that was signed was changed on the way."),
        "dmarc": _("The domain in From, {domain}, stands behind it."),
        "arc": _("The servers that passed it on vouch for what they found."),
    }
    bad = {
        "spf": _("The server that brought it is not one that {domain} names."),
        "dkim": _(
            "The signature of {domain} does not fit: something was changed, or it is forged."
        ),
        "dmarc": _("{domain} asks that mail which fails these checks is not trusted."),
        "arc": _("What the servers on the way say does not fit together."),
    }
    none = {
        "spf": _("{domain} does not say which servers send its mail."),
        "dkim": _("It carries no signature."),
        "dmarc": _("{domain} does not say what to do with mail that fails."),
        "arc": _("No server on the way vouches for it."),
    }
    if result == "pass":
        words = good[method]
    elif result in {"fail", "softfail"}:
        words = bad[method]
    elif result in {"none", "neutral"}:
        words = none[method]
    else:
        words = _("This could not be checked: a record of {domain} is wrong, or DNS was away.")
    return words.replace("{domain}", domain)


def _connection(prefix: bytes) -> Iterator[Check]:
    """How it came: by the Received that we wrote on top."""
    received = scan(prefix).first(b"received") if prefix else None
    if received is None:
        return
    if re.search(rb"\bwith (?:UTF8SMTP|ESMTP|LMTP|UTF8LMTP)S", received):
        version = re.search(rb"TLSv?(1\.[0-3])", received)
        word = f"TLS {version[1].decode()}" if version else "TLS"
        text = _("Encrypted on the way to us. This says nothing about who sent it.")
        yield Check(_("Connection"), word, "ok", "circle-check", text)
    else:
        text = _("Not encrypted on its last way to us.")
        yield Check(_("Connection"), _("not encrypted"), "warn", "circle-alert", text)


def _virus(verdict: Verdict | None) -> Iterator[Check]:
    given: Any = verdict.given.get("clamd") if verdict else None
    if verdict is None or (given is None and "clamd" not in verdict.failed):
        return
    name = _("Virus scan")
    if "clamd" in verdict.failed:
        text = _("The virus scanner did not answer.")
        yield Check(name, _("not done"), "warn", "circle-alert", text)
    elif any(opinion.is_harmful for opinion in verdict.opinions.values()):
        yield Check(name, _("found"), "bad", "circle-x", _("Something harmful was found in it."))
    else:
        yield Check(name, _("clean"), "ok", "circle-check", _("No known virus was found in it."))


def _score(opinion: Opinion | None, standing: Standing) -> Score | None:
    if opinion is None or standing.is_off:
        return None
    junk = standing.junk if standing.junk is not None else _JUNK
    refuse = standing.refuse if standing.refuse is not None else max(_REFUSE, junk + 5)
    return Score(opinion.points, junk, max(refuse, junk + 1))


def _reasons(verdict: Verdict, user_id: int) -> Iterator[Counted]:
    mine = [one for one in verdict.findings if one.reader in {None, user_id} and one.points]
    for one in sorted(mine, key=lambda one: -abs(one.points))[:MOST]:
        yield Counted(one.rule, one.words[:1].upper() + one.words[1:], one.points)


def _wishes(standing: Standing) -> Iterator[str]:
    if standing.allowed:
        yield _("Allowed: {entry}.").replace("{entry}", standing.allowed)
    if standing.blocked:
        yield _("Blocked: {entry}.").replace("{entry}", standing.blocked)
    if standing.unproven:
        words = _(
            "An entry that allows this sender did not count, because nothing proves it: {entry}."
        )
        yield words.replace("{entry}", standing.unproven)
    if standing.is_off:
        yield _("The spam filter is off for you.")


def _deed(judged: Judged | None, user_id: int) -> str:
    done = (
        next((one.done for one in judged.deeds if one.user_id == user_id), None) if judged else None
    )
    return (
        {
            Done.INBOX: _("When it came it was filed in the inbox."),
            Done.JUNK: _("When it came it was filed in Junk."),
            Done.QUARANTINE: _("When it came it was kept back, and released later."),
        }.get(done, "")
        if done
        else ""
    )
