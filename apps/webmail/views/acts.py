"""What the buttons of the tool bar do. Each is a form that works without script."""

from collections.abc import Callable
from typing import Any

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.views.decorators.http import require_POST

from apps.mailstore.models import FLAG_FLAGGED, FLAG_SEEN, SpecialUse
from apps.mailstore.services import copy, flags
from apps.mailstore.services.flags import FlagChange
from apps.webmail.folders import Folder
from apps.webmail.rows import parse_cursor
from apps.webmail.visitor import find_entry, find_folder, origin


def mark(request: HttpRequest, folder: Folder, uid: int, mode: Any, bits: int) -> None:
    """Change flags of one message in the name of the person who asks."""
    flags.store(
        mailbox_id=folder.id,
        uids=[uid],
        change=FlagChange(mode, bits, ()),
        origin=origin(request),
    )


def _move_to(use: str) -> Callable[[HttpRequest, Folder, int], None]:
    def act(request: HttpRequest, folder: Folder, uid: int) -> None:
        target = find_folder(request, use)
        if target.id != folder.id:
            copy.move(mailbox_id=folder.id, uids=[uid], target_id=target.id, origin=origin(request))

    return act


def _flag(mode: str, bits: int) -> Callable[[HttpRequest, Folder, int], None]:
    return lambda request, folder, uid: mark(request, folder, uid, mode, bits)


# What a button of the tool bar does, and whether the message is still here afterwards.
_ACTS: dict[str, tuple[Callable[[HttpRequest, Folder, int], None], bool]] = {
    "archive": (_move_to(SpecialUse.ARCHIVE), False),
    "junk": (_move_to(SpecialUse.JUNK), False),
    "inbox": (_move_to(SpecialUse.INBOX), False),
    "trash": (_move_to(SpecialUse.TRASH), False),
    "unread": (_flag("remove", FLAG_SEEN), False),
    "star": (_flag("add", FLAG_FLAGGED), True),
    "unstar": (_flag("remove", FLAG_FLAGGED), True),
}


@login_required
@require_POST
def act(request: HttpRequest, slug: str, uid: int, verb: str) -> HttpResponse:
    """Archive, junk, trash, star or mark one message unread."""
    if verb not in _ACTS:
        raise Http404
    folder = find_folder(request, slug)
    find_entry(folder, uid)
    perform, stays = _ACTS[verb]
    perform(request, folder, uid)
    back = (
        reverse("message", args=[folder.slug, uid])
        if stays
        else reverse("mailbox", args=[folder.slug])
    )
    cursor = parse_cursor(request.GET.get("before", ""))
    return redirect(f"{back}?before={cursor[0]}-{cursor[1]}" if cursor else back)
