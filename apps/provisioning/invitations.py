"""Letters that invite a new person: to another address, with a link by which the first password is
set. Nobody else ever knows one."""

from typing import Final

from django.conf import settings
from django.db import transaction

from apps.audit.services import record
from apps.delivery import ownletters
from apps.directory import subjects
from apps.directory.models import User
from apps.directory.services import accountlinks
from apps.directory.services.accountlinks import INVITE
from apps.mime.address import Address, AddressError
from apps.provisioning import notices
from apps.provisioning.notices import wrapped
from apps.ui.addresses import absolute
from apps.wire.errors import InvalidAddress

LETTERS_MOST: Final = 3  # to one person, within the lifetime of a link


def invited(text: str, user_key: str = "") -> Address:
    """The address that an invitation goes to; raise InvalidAddress.

    Args:
        user_key: of who is invited: nobody reads a mailbox before the first sign-in.
    """
    try:
        address = Address.parse(text.strip(), strict=True)
    except AddressError as error:
        raise InvalidAddress(str(error), text=f"Not a usable address: {error}") from None
    if address.is_literal:
        raise InvalidAddress("literal", text="An invitation goes to an address in a domain")
    if address.key == user_key:
        raise InvalidAddress("own", text="An invitation goes to another address of the person")
    return address


@transaction.atomic
def send(user: User, to: Address) -> None:
    """Write to somebody who has just become a user.

    Raises:
        InvalidAddress, NotFound, Throttled
    """
    invited(str(to), user.key)
    token = accountlinks.make(user=user, purpose=INVITE, address=str(to), most=LETTERS_MOST)
    link = absolute("login-reset", token)
    account = Address.parse(user.address).display
    notices.send(
        to,
        ownletters.anybody(str(to)),
        domain=notices.domain_of(user),
        subject=f"Your new mailbox {account}",
        text=_letter(account, link),
    )
    record("user.invite", **subjects.of_user(user), detail={"to": str(to)})


def _letter(account: str, link: str) -> str:
    days = accountlinks.LIFETIMES[INVITE].days
    lines = [
        *wrapped(f"A mailbox was made for you: {account}. With this link you choose its password:"),
        "",
        link,
        "",
        *wrapped(
            f"It works once, for {days} days. After that, or if it does not work, ask who made the"
            " mailbox for another one. If you expect no mailbox, you need do nothing."
        ),
        "",
        f"The mail service at {settings.MAIL_HOSTNAME}",
    ]
    return "\n".join(lines)
