"""What takes the space of a person's mailbox: /settings/storage/."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from apps.mailstore.largest import LargeRow, largest
from apps.webmail import folders as boxes
from apps.webmail.folders import Folder
from apps.webmail.visitor import person

SHOWN: Final = 20  # messages
FOLDERS_SHOWN: Final = 30


@dataclass(frozen=True, slots=True)
class FolderSpace:
    """A folder and its share of all that is kept, in percent."""

    folder: Folder
    percent: float


@dataclass(frozen=True, slots=True)
class LargeShown:
    """A large message, and where it lies. `is_thrown`: in Trash or Junk."""

    row: LargeRow
    folder: Folder
    at: datetime
    ref: str
    is_thrown: bool


@login_required
@require_safe
def home(request: HttpRequest) -> HttpResponse:
    """Show how much there is, in which folders, and the largest messages."""
    user = person(request)
    side = boxes.side(user)
    own = {one.id: one for one in [*side.folders, *side.more]}
    usage = side.usage
    full = sorted((one for one in own.values() if one.size), key=lambda one: -one.size)
    context = {
        "page": "settings-storage",
        "side": side,
        "usage": usage,
        "spaces": [
            FolderSpace(one, 100 * one.size / max(usage.size, one.size))
            for one in full[:FOLDERS_SHOWN]
        ],
        "others": len(full[FOLDERS_SHOWN:]),
        "others_size": sum(one.size for one in full[FOLDERS_SHOWN:]),
        "large": [
            _shown(row, own[row.mailbox_id])
            for row in largest(user.pk, limit=SHOWN)
            if row.mailbox_id in own
        ],
        "thrown": [one for one in own.values() if one.special_use in ("trash", "junk")],
    }
    return render(request, "webmail/settings-storage.html", context)


def _shown(row: LargeRow, folder: Folder) -> LargeShown:
    return LargeShown(
        row=row,
        folder=folder,
        at=datetime.fromtimestamp(row.internaldate, UTC),
        ref=f"{row.mailbox_id}.{row.uid}",
        is_thrown=folder.special_use in ("trash", "junk"),
    )
