"""What there was before this message: did its reader write to the author, does the message answer
something that the reader sent, is the author's domain known here, or is this a first contact.

All of it speaks for a message, so all of it needs a proof of who wrote it: else every forger would
call himself by a name that the reader trusts.
"""

from collections.abc import Mapping, Sequence
from typing import ClassVar, Final

from apps.reception import queries as reception
from apps.reception.keys import key_of
from apps.scan.authors import Author, author_of
from apps.scan.base import Case, Finding, Given
from apps.scan.history import rules
from apps.scan.history.freemail import is_freemail
from apps.trace.queries import senders_of

ANSWERED: Final = 12  # messages that one names as what it answers, and that are looked up


class History:
    """The check. What it gathers: readers who wrote to the author, readers whose message it answers
    (with that message), and whether the author's organisation is known here."""

    name: ClassVar[str] = "history"

    def gather(self, cases: Sequence[Case]) -> Sequence[Given]:
        authors = [author_of(case) for case in cases]
        written = _written(cases, authors)
        known = reception.known([key_of(one.organisation) for one in authors if one.key])
        senders = senders_of([one for case in cases for one in _answered(case)])
        return [
            _given(case, author, written, known, senders)
            for case, author in zip(cases, authors, strict=True)
        ]

    def judge(self, case: Case, given: Given) -> Sequence[Finding]:
        author, given = author_of(case), given or {}
        if not author.key:
            return []
        findings: list[Finding] = []
        for reader in case.readers:
            findings += _of_reader(case, author, given, reader.user_id)
        return findings


def _written(cases: Sequence[Case], authors: Sequence[Author]) -> set[int]:
    return reception.written_to(
        [
            key_of(str(reader.user_id), author.key)
            for case, author in zip(cases, authors, strict=True)
            for reader in case.readers
            if author.key
        ]
    )


def _answered(case: Case) -> list[str]:
    """The Message-IDs it answers, as they are kept: with their brackets."""
    return [f"<{one}>" for one in case.letter.replies_to[:ANSWERED]]


def _given(
    case: Case,
    author: Author,
    written: set[int],
    known: set[int],
    senders: Mapping[str, set[int]],
) -> Given:
    if not author.key:
        return None
    users = [reader.user_id for reader in case.readers]
    answers = {
        str(user): message
        for message in reversed(_answered(case))
        for user in users
        if user in senders.get(message, ())
    }
    given = {
        "wrote": [one for one in users if key_of(str(one), author.key) in written],
        "answers": answers,
        "known": key_of(author.organisation) in known,
    }
    return {what: found for what, found in given.items() if found} or None


def _of_reader(case: Case, author: Author, given: Mapping[str, Given], user: int) -> list[Finding]:
    wrote = user in given.get("wrote", ())
    answer = given.get("answers", {}).get(str(user), "")
    if not author.proof:
        return _unproven(author, user) if wrote else []
    by = f"as {author.proof} proves"
    findings = []
    if wrote:
        words = f"it is from {author.key}, {by}, to whom this reader wrote before"
        findings.append(rules.KNOWN_CORRESPONDENT.found(words, reader=user))
    if answer:
        words = f"it answers {answer[:100]}, which this reader sent"
        findings.append(rules.ANSWER_TO_OURS.found(words, reader=user))
    if findings or case.is_outgoing:
        return findings
    if given.get("known") and not is_freemail(author.domain):
        words = f"mail from {author.organisation} came on other days before, {by}"
        return [rules.KNOWN_SENDER.found(words, reader=user)]
    words = f"this reader never wrote to {author.key}, who is not known here either"
    return [rules.FIRST_CONTACT.found(words, reader=user)]


def _unproven(author: Author, user: int) -> list[Finding]:
    words = (
        f"this reader wrote to {author.key} before, but nothing proves that it is from there, so"
        " that does not count"
    )
    return [rules.KNOWN_UNPROVEN.found(words, reader=user)]
