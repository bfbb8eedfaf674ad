"""The addresses as which a person may write, each with the name and the signature that they gave
it: what the composer's From offers.

What somebody may is the directory's to say (`authority`), and is asked each time: a row of
`Identity` gives no right, and one whose right has gone is not offered any more. A constant number
of statements, however many addresses there are.
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from django.utils.translation import gettext as _

from apps.directory import authority as authorities
from apps.directory import identities
from apps.directory.authority import Authority
from apps.directory.models import User
from apps.mime.address import Address, AddressError
from apps.webmail.models import Identity
from apps.wire.errors import SenderNotAllowed

MOST: Final = 200  # addresses that are looked at


@dataclass(frozen=True, slots=True)
class Choice:
    """One address that mail may come from.

    Args:
        key: `Address.key`, what forms name it by.
        address: as it is written.
        name: of From; may be empty.
        reply_to: an address, or "".
        signature_html: cleaned; "" for none. `signature_text` is the same as plain text.
        is_above_quote: the signature of an answer stands before what is quoted.
        attaches_card: the person's contact card goes with each letter.
        is_default: what a new letter begins with; exactly one of all choices.
        authority: by what right: OWN, SEND_AS, or ON_BEHALF, with which the letter names the
            person as its Sender.
        owner: whose address it is, if it is somebody else's; else "".
        number: of the row of `Identity`; None: there is none yet.
    """

    key: str
    address: str
    name: str
    authority: Authority
    owner: str = ""
    reply_to: str = ""
    signature_html: str = ""
    signature_text: str = ""
    is_above_quote: bool = True
    attaches_card: bool = False
    is_default: bool = False
    number: int | None = None

    @property
    def says_who_writes(self) -> bool:
        """Whether readers see that somebody wrote on behalf of the owner."""
        return self.authority is Authority.ON_BEHALF


def choices(user: User) -> tuple[Choice, ...]:
    """All that a person may write as, their own address first. None, for who has no mail here."""
    rows = {row.key: row for row in Identity.objects.filter(user_id=user.pk)[:MOST]}
    lenders = _lenders(user)
    addresses = _addresses(user, lenders, rows.values())
    rights = authorities.authority_of_many(user.pk, list(addresses.values()))
    allowed = {key: one for key, one in addresses.items() if rights[one] is not Authority.NONE}
    default = _default(allowed, rows)
    return tuple(
        _choice(user, one, rights[one], rows.get(key), lenders, is_default=key == default)
        for key, one in allowed.items()
    )


def default(offered: Sequence[Choice]) -> Choice:
    """What a new letter comes from.

    Raises:
        SenderNotAllowed: there is no choice at all.
    """
    for one in offered:
        if one.is_default:
            return one
    raise SenderNotAllowed("no address", text=_("This account has no address to write from"))


def find(offered: Iterable[Choice], key: str) -> Choice:
    """The choice that a form names.

    Raises:
        SenderNotAllowed: there is none, or it is somebody else's: in the same words.
    """
    for one in offered:
        if one.key == key:
            return one
    raise SenderNotAllowed(
        f"writer {key!r}", text=_("You cannot write from this address (any more)")
    )


def addressed(offered: Sequence[Choice], keys: Collection[str]) -> Choice:
    """What an answer to mail that was written to `keys` comes from: the first of the choices that
    is among them, one's own before another's; else the default. Raises as `default`."""
    for one in sorted(offered, key=lambda choice: -choice.authority):
        if one.key in keys:
            return one
    return default(offered)


def _lenders(user: User) -> dict[str, User]:
    """Who lets the person write in their name, by the key of their address."""
    granted = authorities.delegations(delegate=user)[:MOST]
    return {one.owner.key: one.owner for one in granted}


def _addresses(user: User, lenders: Iterable[str], rows: Iterable[Identity]) -> dict[str, Address]:
    """All that might be chosen, by key, in the order in which it is offered."""
    texts = [user.address, *identities.own(user), *identities.reaching(user), *lenders]
    texts += [row.address for row in rows]
    found: dict[str, Address] = {}
    for text in texts:
        try:
            address = Address.parse(text)
        except AddressError:
            continue
        found.setdefault(address.key, address)
    return found


def _default(allowed: Iterable[str], rows: dict[str, Identity]) -> str:
    keys = list(allowed)
    chosen = (key for key in keys if key in rows and rows[key].is_default)
    return next(chosen, keys[0] if keys else "")


def _choice(
    user: User,
    address: Address,
    right: Authority,
    row: Identity | None,
    lenders: dict[str, User],
    *,
    is_default: bool,
) -> Choice:
    owner = lenders.get(address.key) if right is not Authority.OWN else None
    name = user.name if owner is None else owner.name
    key, whose = address.key, "" if owner is None else owner.name or owner.address
    if row is None:
        written = str(address) if owner is None else owner.address
        return Choice(key, written, name, right, whose, is_default=is_default)
    return Choice(
        key=key,
        address=row.address,
        name=row.name or name,
        authority=right,
        owner=whose,
        reply_to=row.reply_to,
        signature_html=row.signature_html,
        signature_text=row.signature_text,
        is_above_quote=row.is_above_quote,
        attaches_card=row.attaches_card,
        is_default=is_default,
        number=row.pk,
    )
