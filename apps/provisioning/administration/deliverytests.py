"""A letter by which the administrator of a domain sees that mail arrives: it goes the way of all
mail, through queue, filter and delivery, to one's own address or to a mailbox of the domain."""

from dataclasses import dataclass
from typing import Final
from uuid import UUID

from django.conf import settings
from django.db import transaction

from apps.audit.services import record
from apps.delivery import ownletters
from apps.directory import permissions, subjects
from apps.directory.models import Domain, User
from apps.directory.permissions import Ability, Powers
from apps.directory.services import letters
from apps.mime.address import Address, AddressError
from apps.provisioning.administration.sight import demand, find_domain
from apps.runtime.clock import now_us
from apps.runtime.ulid import new_ulid
from apps.wire.errors import InUse, InvalidAddress, NotFound, Throttled

SUBJECT: Final = "Delivery test"
A_DAY: Final = 30  # letters that one administrator may have written


@dataclass(frozen=True, slots=True)
class Sent:
    """A letter that is on its way.

    Args:
        to: as it was written.
        user_id: whose mailbox that is.
        trace_id: by which it is found.
        at_us: Unix microseconds.
    """

    to: str
    user_id: int
    trace_id: UUID
    at_us: int


def send(*, powers: Powers, domain_id: int, to: str) -> Sent:
    """Have the service write to an address, as postmaster of a domain.

    Args:
        to: one's own address, or one of the domain; a local part alone is one of the domain.

    Raises:
        NotFound: also where nobody in sight has the address.
        NotPermitted, InvalidAddress
        InUse: mail for it is refused now.
        Throttled: A_DAY of them were sent today.
    """
    domain = find_domain(powers, domain_id)
    demand(powers, Ability.CHANGE_POLICIES, domain)
    address, user = _found(powers, domain, to)
    letter_id, at_us = new_ulid(), now_us()
    recipients = ownletters.anybody(str(address))
    if not recipients:
        text = f"Mail for {address.display} is refused now: the user or the domain is suspended"
        raise InUse("refused", text=text)
    raw = ownletters.compose(
        to=address,
        subject=SUBJECT,
        text=_text(domain),
        letter_id=letter_id,
        at_us=at_us,
        domain=domain.name,
    )
    with transaction.atomic():
        if not letters.may_go("test", powers.user_id, A_DAY):
            words = f"You had {A_DAY} test letters written today. Go on tomorrow"
            raise Throttled("test letters", text=words)
        ownletters.queue(raw, recipients, letter_id=letter_id, at_us=at_us)
        record("domain.test", **subjects.of_domain(domain), detail={"to": str(address)})
    return Sent(str(address), user.pk, letter_id, at_us)


def _found(powers: Powers, domain: Domain, text: str) -> tuple[Address, User]:
    """The address that somebody means, and who has it."""
    text = text.strip()
    try:
        address = Address.parse(text)
    except AddressError as error:
        address = _local(text, domain.name, error)
    me = User.objects.living().filter(pk=powers.user_id).first()
    if me is not None and me.key == address.key:
        return address, me
    if address.domain != domain.name:
        text = f"Write your own address, or one of {domain.name}"
        raise InvalidAddress("elsewhere", text=text)
    # The users of an alias domain are those of the domain that it stands for.
    home = domain.alias_of or domain
    key = Address(address.local, home.name).key
    user = permissions.users(powers).filter(key=key).first()
    if user is None:
        raise NotFound(f"user {key}", text=f"There is no mailbox {address.display}")
    return address, user


def _local(text: str, domain: str, error: AddressError) -> Address:
    try:
        return Address.parse(f"{text}@{domain}")
    except AddressError:
        raise InvalidAddress(str(error), text=f"Not an address: {error}") from None


def _text(domain: Domain) -> str:
    return "\n".join(
        (
            f"An administrator of {domain.name} has asked for this letter, to see whether mail",
            "arrives. If you read it, it does. There is nothing to do about it.",
            "",
            f"The mail service at {settings.MAIL_HOSTNAME}",
        )
    )
