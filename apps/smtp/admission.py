"""Whether a MAIL command of a user is let in: is the sign-in still good, may it send as that, how
much may it send.

Asked by every message, so the questions of concurrent connections are gathered into few statements,
and what they found spares the header's check the same question again.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from apps.delivery import submission
from apps.directory import limits
from apps.directory.authentication import Principal
from apps.directory.authority import Authority
from apps.directory.limits import Allowance
from apps.directory.services.limits import too_many_recipients
from apps.directory.signedin import still_in
from apps.mime.address import Address
from apps.runtime.groupcommit import GroupCommit
from apps.wire.errors import MailError


@dataclass(frozen=True, slots=True)
class Question:
    """Who wants to send as what; None is the null path."""

    principal: Principal
    sender: Address | None


@dataclass(slots=True)
class Admission:
    """What a MAIL was found to be; one for each transaction.

    Args:
        reverse_path: to be used in place of what MAIL said; None is the null path.
        rights: what is known of the user's addresses now.
        asked: recipients so far.
    """

    reverse_path: Address | None
    allowance: Allowance
    rights: Mapping[Address, Authority] = field(default_factory=dict)
    asked: int = 0

    def check(self) -> None:
        """Raise TooManyRecipients or SendLimitReached if the user may not have so many."""
        if self.asked > self.allowance.recipients:
            raise self.allowance.refusal or too_many_recipients(self.allowance.recipients)


@dataclass(frozen=True, slots=True)
class _Found:
    """An answer, shared by all who asked the same at once; `path` None: the sign-in has ended."""

    path: submission.Path | None
    allowance: Allowance


class Admissions:
    """One per event loop."""

    def __init__(self) -> None:
        self._gathered: GroupCommit[Question, _Found] = GroupCommit(_answer, pool="read")

    async def ask(self, principal: Principal, sender: Address | None) -> Admission | None:
        """Return None if password or state have changed since the sign-in.

        Raises:
            SenderNotAllowed, SendLimitReached
        """
        found = await self._gathered.submit(Question(principal, sender))
        if found.path is None:
            return None
        path = found.path
        rights = {} if path.address is None else {path.address: path.authority}
        return Admission(path.address, found.allowance, rights)


_NOTHING = Allowance(0, None)


def _answer(questions: list[Question]) -> list[_Found | MailError]:
    """Answer a batch on a database thread."""
    staying = still_in({one.principal for one in questions})
    allowances = limits.allowances({one.user_id for one in staying})
    answers: dict[Question, _Found | MailError] = {}
    for one in dict.fromkeys(questions):
        if one.principal not in staying:
            answers[one] = _Found(None, _NOTHING)
        else:
            answers[one] = _admit(one, allowances)
    return [answers[one] for one in questions]


def _admit(
    question: Question, allowances: Mapping[int, Allowance | MailError]
) -> _Found | MailError:
    allowance = allowances[question.principal.user_id]
    if isinstance(allowance, MailError):
        return allowance
    try:
        path = submission.reverse_path(question.principal.user_id, question.sender)
    except MailError as error:
        return error
    return _Found(path, allowance)
