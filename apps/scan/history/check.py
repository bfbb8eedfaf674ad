"""What there was before this message: did its reader write to the author or keep the author in the
address book, does the message answer something that the reader sent, is the author's domain known
here, or is this a first contact.

All of it speaks for a message, so all of it needs a proof of who wrote it: else every forger would
call himself by a name that the reader trusts.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar, Final

from apps.contacts import queries as contacts
from apps.reception import queries as reception
from apps.reception.keys import key_of
from apps.scan.authors import Author, author_of
from apps.scan.base import Case, Finding, Given
from apps.scan.history import rules
from apps.scan.history.freemail import is_freemail
from apps.trace.queries import senders_of

ANSWERED: Final = 12  # messages that one names as what it answers, and that are looked up


class History:
    """The check. What it gathers: readers who wrote to the author, readers who have the author in
    their address book, readers whose message it answers (with that message), and whether the
    author's organisation is known here."""

    name: ClassVar[str] = "history"

    def gather(self, cases: Sequence[Case]) -> Sequence[Given]:
        authors = [author_of(case) for case in cases]
        written, kept = _written(cases, authors), _kept(cases, authors)
        known = reception.known([key_of(one.organisation) for one in authors if one.key])
        senders = senders_of([one for case in cases for one in _answered(case)])
        return [
            _given(case, author, _Known(written, kept, known, senders))
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


def _kept(cases: Sequence[Case], authors: Sequence[Author]) -> set[tuple[int, str]]:
    return contacts.known(
        [
            (reader.user_id, author.key)
            for case, author in zip(cases, authors, strict=True)
            for reader in case.readers
            if author.key
        ]
    )


def _answered(case: Case) -> list[str]:
    """The Message-IDs it answers, as they are kept: with their brackets."""
    return [f"<{one}>" for one in case.letter.replies_to[:ANSWERED]]


@dataclass(frozen=True, slots=True)
class _Known:
    """What was found for all messages of a batch: keys of (reader, author) who were written to,
    pairs of them in address books, keys of organisations, who sent a Message-ID."""

    written: set[int]
    kept: set[tuple[int, str]]
    organisations: set[int]
    senders: Mapping[str, set[int]]


def _given(case: Case, author: Author, found: _Known) -> Given:
    if not author.key:
        return None
    users = [reader.user_id for reader in case.readers]
    answers = {
        str(user): message
        for message in reversed(_answered(case))
        for user in users
        if user in found.senders.get(message, ())
    }
    given = {
        "wrote": [one for one in users if key_of(str(one), author.key) in found.written],
        "kept": [one for one in users if (one, author.key) in found.kept],
        "answers": answers,
        "known": key_of(author.organisation) in found.organisations,
    }
    return {what: told for what, told in given.items() if told} or None


def _of_reader(case: Case, author: Author, given: Mapping[str, Given], user: int) -> list[Finding]:
    wrote, kept = user in given.get("wrote", ()), user in given.get("kept", ())
    answer = given.get("answers", {}).get(str(user), "")
    if not author.proof:
        return _unproven(author, user, wrote=wrote) if wrote or kept else []
    by = f"as {author.proof} proves"
    findings = []
    if wrote:
        words = f"it is from {author.key}, {by}, to whom this reader wrote before"
        findings.append(rules.KNOWN_CORRESPONDENT.found(words, reader=user))
    elif kept:
        words = f"it is from {author.key}, {by}, who is in this reader's contacts"
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


def _unproven(author: Author, user: int, *, wrote: bool) -> list[Finding]:
    begin = f"this reader wrote to {author.key} before"
    if not wrote:
        begin = f"{author.key} is in this reader's contacts"
    words = f"{begin}, but nothing proves that it is from there, so that does not count"
    return [rules.KNOWN_UNPROVEN.found(words, reader=user)]
