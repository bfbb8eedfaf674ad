"""Having a user's mail sent on: the wish, the letter to the target, its answer."""

from dataclasses import dataclass
from datetime import datetime

from django.db import transaction

from apps.delivery import consent
from apps.directory.models import Forward
from apps.directory.services import forwards, users
from apps.directory.services.forwards import LIFETIME, Question
from apps.mime.address import Address
from apps.ui.addresses import absolute
from apps.wire.errors import NotFound


@dataclass(frozen=True, slots=True)
class ForwardShown:
    """One of a user's forwards; `confirmed_at` None: its target was asked and may agree until
    `open_until`."""

    address: str
    keeps_copy: bool
    confirmed_at: datetime | None
    open_until: datetime


def ask(address: str, target: str, *, keeps_copy: bool = True) -> Forward:
    """Ask a target by mail whether a user's mail may be sent on to it; until it agrees, none is.

    Args:
        keeps_copy: the user's mailbox gets the mail too.

    Raises:
        InvalidAddress, NotFound, AlreadyExists, Throttled, LimitReached
        UnknownRecipient, AccountSuspended, LoopDetected: the target is ours, and reaches nobody.
        NotFound: this installation has no web on which a target could agree.
    """
    user = users.find(address)
    with transaction.atomic():
        forward, token = forwards.ask(user=user, target=target, keeps_copy=keeps_copy)
        consent.queue_question(
            owner=Address.parse(user.address),
            target=Address.parse(forward.address),
            link=link(token),
            days=LIFETIME.days,
        )
    return forward


def add(address: str, target: str, *, keeps_copy: bool = True) -> Forward:
    """Set a forward without asking its target: an administrator's word.

    Raises:
        InvalidAddress, NotFound, LimitReached
    """
    return forwards.add(user=users.find(address), target=target, keeps_copy=keeps_copy)


def remove(address: str, target: str) -> None:
    """End a forward, or take the question back.

    Raises:
        InvalidAddress, NotFound
    """
    forwards.remove(user=users.find(address), target=target)


def keep_copies(address: str, *, keeps_copy: bool) -> None:
    """Say whether a user's mailbox gets the mail that is sent on; raise NotFound."""
    forwards.keep_copies(user=users.find(address), keeps_copy=keeps_copy)


def of_user(address: str) -> list[ForwardShown]:
    """A user's forwards: those that work, and the questions that may still be answered.

    Raises:
        NotFound
    """
    return [
        ForwardShown(
            row.address,
            row.keeps_copy,
            row.confirmed_at,
            row.asked_at + LIFETIME,
        )
        for row in forwards.living(users.find(address))
    ]


def question(token: str) -> Question:
    """What the link with this token asks; raise NotFound."""
    return forwards.find(token)


def answer(token: str, *, agrees: bool) -> Question:
    """The target's answer, or its change of mind; raise NotFound."""
    return forwards.agree(token) if agrees else forwards.refuse(token)


def link(token: str) -> str:
    """The page where a target agrees.

    Raises:
        NotFound: there is no web here.
    """
    try:
        return absolute("forward", token)
    except NotFound:
        raise NotFound("web", text="The web is off here, so no target could agree") from None
