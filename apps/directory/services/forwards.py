"""Users' wishes to have their mail sent on: the only door through which their rows change.

A target gets nothing before it has agreed: it is written to once, with a link. So nobody can point
a flood at somebody else, and the letters that ask are few: at most ten addresses a user, each asked
once a day. The link goes on working, for the target to change its mind.
"""

import hashlib
import hmac
import secrets
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from django.db import transaction
from django.utils import timezone

from apps.audit.services import record
from apps.directory import subjects
from apps.directory.forwards import AWAY, COPY
from apps.directory.models import Forward, User, UserState
from apps.mime.address import Address, AddressError
from apps.wire.errors import AlreadyExists, InvalidAddress, LimitReached, NotFound, Throttled

MAX_FORWARDS: Final = 10  # of one user, those that were not answered included
LIFETIME: Final = timedelta(days=7)  # of a question that is not answered
PAUSE: Final = timedelta(days=1)  # between two questions to the same address
_TOKEN_BYTES: Final = 32
_MAX_TOKEN: Final = 80  # characters; longer ones are not ours


@dataclass(frozen=True, slots=True)
class Question:
    """What a target is asked: may mail for `owner` be sent on to `address`?

    Args:
        answered: whether it has agreed.
    """

    forward_id: int
    owner: str
    name: str
    address: str
    answered: bool


def ask(*, user: User, target: str, keeps_copy: bool) -> tuple[Forward, str]:
    """Note a user's wish, which comes true once `agree` is called with the token.

    Returns the token: the only time it is seen.

    Raises:
        InvalidAddress: no address, or the user's own.
        AlreadyExists: it has agreed already.
        Throttled: it was asked less than a day ago.
        LimitReached
    """
    address = target_address(user, target)
    with transaction.atomic():
        _lock(user)
        row = _row(user, address)
        if row.confirmed_at is not None:
            raise AlreadyExists(f"forward to {address}", text=f"{address} has agreed already")
        if row.pk and timezone.now() - row.asked_at < PAUSE:
            raise Throttled(
                f"forward to {address}", text=f"{address} was asked less than a day ago"
            )
        token = secrets.token_urlsafe(_TOKEN_BYTES)
        row.digest = _digest(token)
        row.asked_at = timezone.now()
        row.keeps_copy = keeps_copy
        row.save()
        record("forward.ask", **subjects.of_user(user), detail=_told(row))
    return row, f"{row.pk}.{token}"


def add(*, user: User, target: str, keeps_copy: bool) -> Forward:
    """Set a forward without asking its target: an administrator's word.

    Raises:
        InvalidAddress, LimitReached
    """
    address = target_address(user, target)
    with transaction.atomic():
        _lock(user)
        row = _row(user, address)
        row.keeps_copy = keeps_copy
        row.confirmed_at = row.confirmed_at or timezone.now()
        row.save()
        _tell_routing(user.pk)
        record("forward.add", **subjects.of_user(user), detail=_told(row))
    return row


def _told(row: Forward) -> dict[str, object]:
    return {"to": row.address, "keeps_copy": row.keeps_copy}


def find(token: str) -> Question:
    """What the link of this token asks.

    Raises:
        NotFound: unknown, expired or withdrawn: never told apart.
    """
    row = _by_token(token)
    return Question(
        row.pk, row.user.address, row.user.name, row.address, row.confirmed_at is not None
    )


def agree(token: str) -> Question:
    """Let the forward work; again is no error.

    Raises:
        NotFound
    """
    with transaction.atomic():
        row = _by_token(token, lock=True)
        if row.confirmed_at is None:
            row.confirmed_at = timezone.now()
            row.save(update_fields=["confirmed_at"])
            _tell_routing(row.user_id)
            record("forward.agree", **subjects.of_user(row.user), detail=_told(row))
    return find(token)


def refuse(token: str) -> Question:
    """End the forward, or say no to the question; return what was ended.

    The user cannot ask again for a day.

    Raises:
        NotFound
    """
    with transaction.atomic():
        question = find(token)
        row = _by_token(token, lock=True)
        _silence(row)
        _tell_routing(row.user_id)
        record("forward.refuse", **subjects.of_user(row.user), detail=_told(row))
    return question


def remove(*, user: User, target: str) -> None:
    """Take a user's wish back.

    Raises:
        NotFound, InvalidAddress
    """
    address = _parsed(target)
    with transaction.atomic():
        _lock(user)
        rows = [
            row
            for row in Forward.objects.filter(user=user)
            if _parsed(row.address).key == address.key and _is_alive(row)
        ]
        if not rows:
            raise NotFound(f"forward to {address}", text=f"There is no forward to {address}")
        for row in rows:
            _silence(row)
            record("forward.remove", **subjects.of_user(user), detail=_told(row))
        _tell_routing(user.pk)


def keep_copies(*, user: User, keeps_copy: bool) -> None:
    """Say of all forwards of a user whether its mailbox gets the mail too.

    Raises:
        NotFound: there are none.
    """
    with transaction.atomic():
        _lock(user)
        if not Forward.objects.filter(user=user).update(keeps_copy=keeps_copy):
            raise NotFound(f"forwards of {user.pk}", text="Your mail is not sent on")
        _tell_routing(user.pk)
        detail = {"keeps_copy": keeps_copy}
        record("forward.copy", **subjects.of_user(user), detail=detail)


def forget_old() -> int:
    """Delete what nobody answered in time, and what was ended more than a day ago."""
    now = timezone.now()
    dead = Forward.objects.filter(confirmed_at=None)
    ended, _ = dead.filter(digest=b"", asked_at__lt=now - PAUSE).delete()
    expired, _ = dead.filter(asked_at__lt=now - LIFETIME).delete()
    return ended + expired


def living(user: User) -> list[Forward]:
    """The forwards of a user that work, and those whose target may still agree."""
    return [row for row in Forward.objects.filter(user=user).order_by("pk") if _is_alive(row)]


def target_address(user: User, text: str) -> Address:
    """An address to which that user's mail may be sent on; raise InvalidAddress."""
    address = _parsed(text)
    if address.is_literal:
        raise InvalidAddress("literal", text="Mail is sent on to a domain, not to an IP address")
    own = Address.parse(user.address)
    separator = user.domain.detail_separator if user.domain is not None else ""
    bare = address.without_detail(separator) if separator else address
    if bare.key == own.key:
        raise InvalidAddress("own address", text="Mail cannot be sent on to where it came")
    return address


def _parsed(text: str) -> Address:
    try:
        return Address.parse(text.strip(), strict=True)
    except AddressError as error:
        raise InvalidAddress(str(error), text=f"Not a usable address: {error}") from None


def _lock(user: User) -> None:
    """Changes of one user's forwards come one after the other; raise NotFound if it is gone."""
    wanted = User.objects.living().select_for_update(no_key=True)
    if not wanted.filter(pk=user.pk).values_list("pk"):
        raise NotFound(f"user {user.pk}", text="There is no such user")


def _row(user: User, address: Address) -> Forward:
    """The user's row for an address, new if there is none; raise LimitReached."""
    rows = list(Forward.objects.filter(user=user))
    for row in rows:
        if _parsed(row.address).key == address.key:
            return row
    if len(rows) >= MAX_FORWARDS:
        raise LimitReached(
            f"{len(rows)} forwards", text=f"A user has at most {MAX_FORWARDS} forwards a day"
        )
    return Forward(user=user, address=str(address))


def _is_alive(row: Forward) -> bool:
    if row.confirmed_at is not None:
        return True
    return bool(row.digest) and timezone.now() - row.asked_at < LIFETIME


def _silence(row: Forward) -> None:
    """End a forward. The row stays for a day, so that asking again cannot become a flood."""
    row.confirmed_at = None
    row.digest = b""
    row.save(update_fields=["confirmed_at", "digest"])


def _by_token(token: str, *, lock: bool = False) -> Forward:
    gone = NotFound("forward link", text="This link does not work any more")
    number, dot, secret = token.partition(".")
    if len(token) > _MAX_TOKEN or not dot or not (number.isascii() and number.isdigit()):
        raise gone
    if len(number) > 18:  # of a database's integer
        raise gone
    rows = Forward.objects.select_related("user").exclude(user__state=UserState.REMOVED)
    if lock:
        rows = rows.select_for_update(of=("self",))
    row = rows.filter(pk=int(number)).first()
    if row is None or not _is_alive(row):
        raise gone
    if not hmac.compare_digest(bytes(row.digest), _digest(secret)):
        raise gone
    return row


def _tell_routing(user_id: int) -> None:
    """Keep `User.forwarding` what the user's working forwards make it."""
    copies = list(
        Forward.objects.filter(user=user_id, confirmed_at__isnull=False).values_list(
            "keeps_copy", flat=True
        )
    )
    mode = "" if not copies else COPY if any(copies) else AWAY
    User.objects.filter(pk=user_id).update(forwarding=mode)


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode("utf-8", "replace")).digest()
