"""A person's mail that did not arrive: what is held back, and what was refused: /settings/held/.

Nothing of a message is shown but who wrote it, about what, and why it is not in the mailbox.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from apps.mime.address import Address, AddressError
from apps.mime.addresslist import mailboxes
from apps.reception import queries as reception
from apps.reception.queries import RefusedRow
from apps.scan import shelf
from apps.scan.copies import Copy, Place
from apps.scan.models import DANGEROUS
from apps.scan.services import copies as acts
from apps.scan.shelf import Shelved
from apps.webmail.visitor import origin, person
from apps.wire.errors import MailError, NotFound

SHOWN: Final = 100  # of each, the newest
_LONGEST_NUMBER: Final = 18  # digits: of a database's integer

_ACTS: Final[dict[str, Callable[..., Copy]]] = {
    "release": acts.release,
    "block": acts.block,
    "delete": acts.delete,
}
_SAID: Final[dict[str, Promise]] = {
    "release": gettext_lazy("It is released, and arrives in a moment."),
    "block": gettext_lazy("Its sender is blocked, and it is deleted."),
    "delete": gettext_lazy("It is deleted."),
}


@dataclass(frozen=True, slots=True)
class HeldShown:
    """One message that is held back; `is_dangerous`: only an administrator lets it go."""

    row: Shelved
    at: datetime
    is_dangerous: bool


@dataclass(frozen=True, slots=True)
class RefusedShown:
    """One message that was refused. `allowable` is the address that can be allowed, "" for none;
    `others`: as many more were refused within the minute, and nothing is kept of them."""

    row: RefusedRow
    at: datetime
    allowable: str


@never_cache
@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def home(request: HttpRequest) -> HttpResponse:
    """Show both; release, delete, or delete and block the sender of what is held (`do`)."""
    done, number = request.POST.get("do", ""), request.POST.get("number", "")
    if request.method != "POST":
        return _page(request)
    try:
        if done not in _ACTS:
            raise NotFound(f"act {done!r}", text=_("There is no such thing to do"))
        _ACTS[done](_own(person(request).pk, number), origin=origin(request))
    except MailError as error:
        return _page(request, error=error.reply.text)
    messages.success(request, str(_SAID[done]))
    return redirect("settings-held")


def _own(user_id: int, number: str) -> Copy:
    """A copy that is kept for that person, by its number. Raises NotFound: in the same words for
    what is somebody else's and for what there is not."""
    gone = NotFound(f"held {number[:20]!r}", text=_("This message is not held any more"))
    if not (number.isascii() and number.isdigit() and len(number) <= _LONGEST_NUMBER):
        raise gone
    try:
        row = shelf.one(int(number))
        if row.user_id != user_id:
            raise gone
        found = shelf.of_number(row.pk)
    except NotFound:
        raise gone from None
    if found.place is not Place.QUARANTINE:
        raise gone
    return found


def _page(request: HttpRequest, error: str = "") -> HttpResponse:
    user_id = person(request).pk
    held = [
        HeldShown(one, datetime.fromisoformat(one.kept), one.reason in DANGEROUS)
        for one in shelf.shelved(user_id=user_id, limit=SHOWN)
    ]
    refused = [
        RefusedShown(one, datetime.fromisoformat(one.at), _allowable(one.author or one.sender))
        for one in reception.refused(user_id, since=0, limit=SHOWN)
    ]
    context = {
        "page": "settings-held",
        "held": held,
        "refused": refused,
        "shown": SHOWN,
        "days": settings.REJECTS_DAYS,
        "error": error,
    }
    return render(request, "webmail/settings-held.html", context, status=422 if error else 200)


def _allowable(author: str) -> str:
    for one in mailboxes(author.encode())[:1]:
        try:
            return str(Address.build((one.local or b"").decode(), (one.host or b"").decode()))
        except (AddressError, UnicodeDecodeError):
            break
    return ""
