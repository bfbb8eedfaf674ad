"""Which of their folders a person shares, with whom and how far: /settings/sharing/."""

from dataclasses import dataclass
from typing import Final

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods

from apps.mailstore.services.sharing import ANYONE
from apps.provisioning import sharing
from apps.webmail import folders as boxes
from apps.webmail.folders import Folder
from apps.webmail.visitor import origin, person
from apps.wire.errors import InvalidAddress, InvalidName, MailError, NotFound

LONGEST: Final = 400  # characters of an address
SHOWN: Final = 1_000


@dataclass(frozen=True, slots=True)
class Level:
    """Rights that are given together (RFC 4314 section 2.1); people choose one."""

    name: str
    rights: str
    words: Promise


LEVELS: Final = (
    Level("read", sharing.LEVELS["read"], gettext_lazy("Can read")),
    Level("write", sharing.LEVELS["write"], gettext_lazy("Can read, sort and delete mail")),
    Level("manage", sharing.LEVELS["manage"], gettext_lazy("Can do all but share it")),
)


@dataclass(frozen=True, slots=True)
class ShareShown:
    """Somebody who may see a folder. `level` "" for rights that a program gave one by one."""

    folder: Folder
    user: str
    is_everybody: bool
    level: str
    words: str


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def home(request: HttpRequest) -> HttpResponse:
    """Show all; share a folder, change how far, or end it (`do`)."""
    if request.method != "POST":
        return _page(request, folder=request.GET.get("folder", ""))
    sent = request.POST
    try:
        said = _change(request)
    except MailError as error:
        return _page(
            request,
            folder=sent.get("folder", ""),
            typed=sent.get("user", "")[:LONGEST],
            level=sent.get("level", ""),
            error=error.reply.text,
        )
    messages.success(request, said)
    return redirect("settings-sharing")


def _change(request: HttpRequest) -> str:
    """What was done, in words. Raises MailError."""
    sent, owner = request.POST, person(request)
    folder = _folder(owner.pk, sent.get("folder", ""))
    user = ANYONE if "everybody" in sent else sent.get("user", "")[:LONGEST].strip()
    if not user:
        raise InvalidAddress("none", text=_("Say with whom the folder is to be shared"))
    if sent.get("do") == "end":
        sharing.revoke(owner.address, user, folder.path, origin=origin(request))
        return _("“%(folder)s” is not shared with them any more.") % {"folder": folder.name}
    level = next((one for one in LEVELS if one.name == sent.get("level", "")), None)
    if level is None:
        raise InvalidName("level", text=_("Say what they may do"))
    sharing.grant(owner.address, user, level.rights, folder.path, origin=origin(request))
    return _("“%(folder)s” is shared.") % {"folder": folder.name}


def _folder(user_id: int, number: str) -> Folder:
    """One of the person's own. Raises NotFound."""
    for one in boxes.folders(user_id):
        if str(one.id) == number:
            return one
    raise NotFound(f"folder {number[:20]!r}", text=_("The folder is not there any more"))


def _page(
    request: HttpRequest, *, folder: str = "", typed: str = "", level: str = "", error: str = ""
) -> HttpResponse:
    owner = person(request)
    own = boxes.folders(owner.pk)
    by_path = {one.path: one for one in own}
    found = [
        _shown(by_path[row.mailbox], row)
        for row in sharing.rows(owner=owner)
        if row.mailbox in by_path
    ]
    context = {
        "page": "settings-sharing",
        "shares": found[:SHOWN],
        "folders": own,
        "folder": folder,
        "levels": LEVELS,
        "typed": typed,
        "level": level or LEVELS[0].name,
        "error": error,
    }
    status = 422 if error else 200
    return render(request, "webmail/settings-sharing.html", context, status=status)


def _shown(folder: Folder, row: sharing.ShareRow) -> ShareShown:
    rights = frozenset(row.rights)
    level = next((one for one in LEVELS if rights == frozenset(one.rights)), None)
    return ShareShown(
        folder=folder,
        user=row.user,
        is_everybody=row.user == ANYONE,
        level=level.name if level else "",
        words=str(level.words) if level else _("Rights: %(letters)s") % {"letters": row.rights},
    )
