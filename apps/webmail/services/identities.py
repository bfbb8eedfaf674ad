"""The one door by which the names and signatures change that a person writes with."""

import re
from dataclasses import dataclass
from typing import Any, Final

from django.db import transaction
from django.utils.translation import gettext as _

from apps.audit.services import record
from apps.directory import authority as authorities
from apps.directory import subjects
from apps.directory.authority import Authority
from apps.directory.models import User
from apps.mime.address import Address, AddressError
from apps.runtime.db import translate_errors
from apps.webmail import signatures
from apps.webmail.models import Identity
from apps.wire.errors import InvalidAddress, InvalidName, LimitReached, NotFound, SenderNotAllowed

MOST: Final = 100  # rows of one person
LONGEST_NAME: Final = 200
# Line ends above all: a name goes into a header. Then what makes one name look like another.
_FORBIDDEN: Final = re.compile(
    "[\x00-\x1f\x7f-\x9f\xad\u200b\u200e\u200f\u2028-\u202e\u2060-\u2064\u2066-\u206f\ufeff\ud800-\udfff]"
)


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a form says of one address. `signature_html` None: the person wrote plain text, and
    what is kept of the HTML stays if the text is the same."""

    name: str = ""
    reply_to: str = ""
    signature_html: str | None = None
    signature_text: str = ""
    is_above_quote: bool = True
    attaches_card: bool = False
    is_default: bool = False


def change(*, user: User, address: str, wanted: Wanted) -> Identity:
    """Set with which name and signature a person writes as an address.

    Raises:
        InvalidAddress: it is none, or where answers go is none.
        SenderNotAllowed: the person may not write as it; also if there is no such address.
        InvalidName: the name has what no header can have.
        LimitReached: the signature is too long, or there are too many of them.
    """
    parsed = _allowed(user, address)
    fields = _fields(wanted)
    with translate_errors(), transaction.atomic():
        _lock(user)
        row = Identity.objects.filter(user=user, key=parsed.key).first()
        if row is None and Identity.objects.filter(user=user).count() >= MOST:
            raise LimitReached(
                "identities", text=_("There are at most %(count)d of them") % {"count": MOST}
            )
        if wanted.signature_html is None and row is not None:
            _keep_html(row, fields)
        if wanted.is_default:
            Identity.objects.filter(user=user, is_default=True).update(is_default=False)
        saved, _made = Identity.objects.update_or_create(
            user=user, key=parsed.key, defaults={"address": str(parsed), **fields}
        )
        detail = {"as": str(parsed), "name": fields["name"], "answers": fields["reply_to"]}
        record("identity.save", **subjects.of_user(user), detail=detail)
    return saved


def remove(*, user: User, key: str) -> None:
    """Forget the name and the signature of an address. The right to write as it is the
    directory's, and stays.

    Raises:
        NotFound
    """
    with transaction.atomic():
        if not Identity.objects.filter(user=user, key=key).delete()[0]:
            raise NotFound(f"identity {key!r}", text=_("There is no such identity"))
        record("identity.remove", **subjects.of_user(user), detail={"as": key})


def _allowed(user: User, text: str) -> Address:
    try:
        address = Address.parse(text.strip())
    except AddressError as error:
        raise InvalidAddress(str(error), text=f"Not a usable address: {error}") from None
    if authorities.authority(user.pk, address) is Authority.NONE:
        raise SenderNotAllowed(f"identity {address}", text=_("You may not write from this address"))
    return address


def _fields(wanted: Wanted) -> dict[str, Any]:
    if wanted.signature_html is None:
        text = signatures.clean_text(wanted.signature_text)
        html = signatures.of_text(text)
    else:
        html = signatures.clean(wanted.signature_html)
        text = signatures.text_of(html)
    return {
        "name": _name(wanted.name),
        "reply_to": _reply_to(wanted.reply_to),
        "signature_html": html,
        "signature_text": text,
        "is_above_quote": wanted.is_above_quote,
        "attaches_card": wanted.attaches_card,
        "is_default": wanted.is_default,
    }


def _keep_html(row: Identity, fields: dict[str, Any]) -> None:
    """Who changed only the name, on a page without script, has not lost what was bold."""
    if fields["signature_text"] == row.signature_text:
        fields["signature_html"] = row.signature_html


def _name(text: str) -> str:
    name = text.strip()
    if _FORBIDDEN.search(name):
        raise InvalidName(
            "name", text=_("A name has no line ends and no characters that do not show")
        )
    if len(name) > LONGEST_NAME:
        raise InvalidName(
            "name", text=_("A name has at most %(count)d letters") % {"count": LONGEST_NAME}
        )
    return name


def _reply_to(text: str) -> str:
    if not text.strip():
        return ""
    try:
        return str(Address.parse(text.strip()))
    except AddressError as error:
        raise InvalidAddress(str(error), text=f"Answers cannot go there: {error}") from None


def _lock(user: User) -> None:
    """Changes of one person come one after the other: there is one default. Raises NotFound."""
    wanted = User.objects.living().select_for_update(no_key=True)
    if not wanted.filter(pk=user.pk).values_list("pk"):
        raise NotFound(f"user {user.pk}", text="There is no such user")
