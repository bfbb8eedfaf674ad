"""One message, with its list beside it on wide screens. It works as a plain page without script."""

import logging
from typing import Any

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from apps.mailstore import queries
from apps.mailstore.models import FLAG_FLAGGED, FLAG_SEEN
from apps.mailstore.queries import ListRow
from apps.mailstore.services import flags
from apps.mailstore.services.flags import FlagChange
from apps.runtime.db import translate_errors
from apps.webmail.folders import Folder
from apps.webmail.plaintext import blocks
from apps.webmail.reading import read
from apps.webmail.sanitize import clean
from apps.webmail.sent import sent
from apps.webmail.views.listing import list_context
from apps.webmail.visitor import find_entry, origin, person
from apps.wire.errors import Damaged, MailError, Temporary

log = logging.getLogger(__name__)


@login_required
@require_safe
def message(request: HttpRequest, slug: str, uid: int) -> HttpResponse:
    """One message, with its list beside it on wide screens. Reading it marks it read."""
    context = list_context(request, slug)
    folder: Folder = context["folder"]
    entry = find_entry(folder, uid)
    if not entry.flags & FLAG_SEEN and _mark_seen(request, folder, uid):
        context.update(list_context(request, slug))  # with the new counts
    context.update(_message_context(person(request).pk, folder, entry))
    return render(request, "webmail/message.html", context)


def _mark_seen(request: HttpRequest, folder: Folder, uid: int) -> bool:
    """Mark a message read; False if that cannot be written. A full disk must not keep anybody from
    reading mail."""
    try:
        with translate_errors():
            flags.store(
                mailbox_id=folder.id,
                uids=[uid],
                change=FlagChange("add", FLAG_SEEN, ()),
                origin=origin(request),
            )
    except Temporary as error:
        log.warning("a message could not be marked read", extra={"detail": error.detail})
        return False
    return True


def _message_context(user_id: int, folder: Folder, entry: ListRow) -> dict[str, Any]:
    """What the reading pane shows;

    a damaged message says so and leaves the rest of the page whole.
    """
    context: dict[str, Any] = {
        "uid": entry.uid,
        "is_starred": bool(entry.flags & FLAG_FLAGGED),
        "entry": entry,
    }
    try:
        raw = queries.shown_bytes(entry.message_id, entry.head_id)
    except MailError as error:
        context["trouble"] = error.reply.text
        context["is_damaged"] = isinstance(error, Damaged)
        return context
    context["reading"] = reading = read(raw)
    context["sent"] = sent(user_id, raw)
    context["blocks"] = blocks(reading.text) if not reading.html else []
    context["blocked"] = clean(reading.html, {}).blocked if reading.html else 0
    return context
