"""A user's recovery address: asked for, proved by who reads it, changed and taken away."""

from typing import Final

from django.conf import settings
from django.db import transaction

from apps.audit.services import record
from apps.delivery import ownletters
from apps.directory import routing, subjects
from apps.directory.models import User
from apps.directory.services import accountlinks, recoveryaddresses
from apps.directory.services.accountlinks import PROOF, RESET, Link
from apps.mime.address import Address, AddressError
from apps.provisioning import notices
from apps.provisioning.notices import About, wrapped
from apps.ui.addresses import absolute
from apps.wire.errors import AlreadyExists, InvalidAddress, NotFound, Throttled

LETTERS_A_DAY: Final = 5


def ask(user: User, typed: str) -> Address:
    """Ask an address by mail whether it is to be a user's recovery address; until it agrees,
    nothing changes. Whether it can be reached is not told: it may be somebody else's business.

    Raises:
        InvalidAddress: no address, or one whose mail comes to the user's own mailbox.
        AlreadyExists: it is the recovery address already.
        Throttled: five letters went out within a day.
        NotFound: the user was removed, or the web is off.
    """
    address = _usable(user, typed)
    if user.recovery_confirmed_at and _key(user.recovery_address) == address.key:
        raise AlreadyExists("same", text="This is your recovery address already")
    with transaction.atomic():
        link = absolute("recovery", _token(user, address))
        record("recovery.ask", **subjects.of_user(user), detail={"address": str(address)})
        recipients = ownletters.anybody(str(address))
        if recipients:
            notices.send(
                address,
                recipients,
                domain=notices.domain_of(user),
                subject=f"Recovery address of {Address.parse(user.address).display}",
                text=_letter(user, link),
            )
    return address


def find(token: str) -> Link:
    """What a link asks; raise NotFound if it does not work (any more)."""
    return accountlinks.find(token, PROOF)


def agree(token: str) -> Link:
    """Make the address of a link its user's recovery address.

    Raises:
        NotFound: the link does not work (any more).
        InvalidAddress: its mail comes to the user's own mailbox by now.
    """
    with transaction.atomic():
        link = accountlinks.take(token, PROOF)
        _usable(link.user, link.address)
        was = [link.user.recovery_address] if link.user.recovery_confirmed_at else []
        recoveryaddresses.put(user=link.user, address=link.address)
        accountlinks.end(user=link.user, purpose=RESET)  # those that went to the old one
        told = {"address": link.address, "was": "".join(was)}
        record("recovery.set", **subjects.of_user(link.user), detail=told)
        notices.tell(link.user, About.RECOVERY_CHANGED, detail=link.address, also=was)
    return link


def refuse(token: str) -> Link:
    """End a question whose answer is no; raise NotFound."""
    with transaction.atomic():
        return accountlinks.take(token, PROOF)


def withdraw(user: User) -> None:
    """End the question that waits for its answer."""
    accountlinks.end(user=user, purpose=PROOF)


def remove(user: User) -> None:
    """Take a user's recovery address away; raise NotFound if there is none."""
    with transaction.atomic():
        row = User.objects.living().select_for_update(no_key=True).filter(pk=user.pk).first()
        if row is None or not row.recovery_address:
            raise NotFound("recovery address", text="There is no recovery address")
        was = row.recovery_address
        recoveryaddresses.clear(user=row)
        accountlinks.end(user=row, purpose=RESET)
        record("recovery.remove", **subjects.of_user(row), detail={"was": was})
        notices.tell(row, About.RECOVERY_REMOVED, detail=was, also=[was])
    user.recovery_address, user.recovery_confirmed_at = "", None


def _token(user: User, address: Address) -> str:
    try:
        return accountlinks.make(user=user, purpose=PROOF, address=str(address), most=LETTERS_A_DAY)
    except Throttled:
        words = f"{LETTERS_A_DAY} letters were sent within a day. Try again tomorrow"
        raise Throttled("proofs of recovery", text=words) from None


def _usable(user: User, typed: str) -> Address:
    try:
        address = Address.parse(typed.strip(), strict=True)
    except AddressError as error:
        raise InvalidAddress(str(error), text=f"Not a usable address: {error}") from None
    if address.is_literal:
        raise InvalidAddress("literal", text="Not a usable address: it names no domain")
    if _comes_back(user, address):
        words = "Mail for this address comes to your own mailbox, which you could not read then"
        raise InvalidAddress("own mailbox", text=words)
    return address


def _comes_back(user: User, address: Address) -> bool:
    """Whether the user owns the address, or mail for it is sent on to the user alone."""
    if any(owner.user_id == user.pk for owner in routing.owners(address)):
        return True
    resolution = routing.resolve(address)
    return not resolution.remote and [one.user_id for one in resolution.users] == [user.pk]


def _key(text: str) -> str:
    try:
        return Address.parse(text).key
    except AddressError:
        return ""


def _letter(user: User, link: str) -> str:
    shown = Address.parse(user.address).display
    return "\n".join(
        [
            *wrapped(
                f"{shown} is to be reached at this address when its password is forgotten. If"
                " you want that, say so on this page:"
            ),
            "",
            link,
            "",
            *wrapped(
                "The link works for a day. If you do not know what this is about, you need do"
                " nothing: nothing was changed."
            ),
            "",
            f"The mail service at {settings.MAIL_HOSTNAME}",
        ]
    )
