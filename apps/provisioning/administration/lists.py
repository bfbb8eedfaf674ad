"""What administrators do to the lists of senders that are allowed or blocked: the installation's
and a domain's. Whom a user has listed is the user's own matter."""

from collections.abc import Sequence
from dataclasses import dataclass

from django.db import transaction

from apps.directory.permissions import Powers
from apps.provisioning.administration.policies import scope_of
from apps.scan.models import Verb
from apps.scan.services import lists
from apps.scan.services.lists import Added
from apps.wire.errors import InvalidName, LimitReached, MailError


@dataclass(frozen=True, slots=True)
class Wrong:
    """A line that names no sender, or for which there is no room; `line` counts from 1."""

    line: int
    text: str
    why: str


class WrongLines(InvalidName):
    """Some of the lines cannot be: none of them was taken."""

    def __init__(self, wrong: Sequence[Wrong]) -> None:
        super().__init__("lines", text="Nothing was added: correct the lines that are named")
        self.wrong = tuple(wrong)


def add(
    *,
    powers: Powers,
    domain_id: int | None = None,
    verb: Verb,
    senders: Sequence[str],
    note: str = "",
) -> list[Added]:
    """Allow or block senders, all of them or none.

    Args:
        senders: lines as people write them; empty ones are left out.

    Raises:
        NotFound, NotPermitted, InUse
        WrongLines: tells of each line that cannot be.
    """
    scope = scope_of(powers, domain_id=domain_id)
    added: list[Added] = []
    wrong: list[Wrong] = []
    with transaction.atomic():
        for number, line in enumerate(senders, 1):
            if not line.strip():
                continue
            try:
                added.append(lists.add(verb, line.strip(), scope, note=note))
            except (InvalidName, LimitReached) as error:
                wrong.append(Wrong(number, line.strip(), error.reply.text))
        if wrong:
            raise WrongLines(wrong)  # which takes back what was added
    return added


def remove(
    *, powers: Powers, domain_id: int | None = None, senders: Sequence[str]
) -> list[tuple[Verb, str]]:
    """Say no more of senders; return what was said of those who were in the list.

    Raises:
        NotFound, NotPermitted, InUse
    """
    scope = scope_of(powers, domain_id=domain_id)
    gone: list[tuple[Verb, str]] = []
    for sender in senders:
        try:
            removed = lists.remove(sender, scope)
        except MailError:
            continue  # somebody else was quicker
        gone.append((removed.verb, removed.value))
    return gone
