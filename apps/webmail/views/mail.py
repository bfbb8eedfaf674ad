"""The list of a mailbox, and one message beside it. Each works as a plain page without script."""

import logging
from collections.abc import Callable
from typing import Any

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from apps.directory.models import User
from apps.mailstore import queries
from apps.mailstore.models import FLAG_FLAGGED, FLAG_SEEN, SpecialUse
from apps.mailstore.origin import Origin
from apps.mailstore.queries import ListRow
from apps.mailstore.services import copy, flags
from apps.mailstore.services.flags import FlagChange
from apps.runtime.db import translate_errors
from apps.webmail import folders as boxes
from apps.webmail.folders import Folder
from apps.webmail.plaintext import blocks
from apps.webmail.reading import Reading, read
from apps.webmail.rows import days, parse_cursor, write_cursor
from apps.webmail.sanitize import clean
from apps.webmail.sent import sent
from apps.webmail.signingin import client_address
from apps.wire.errors import Damaged, MailError, NotFound, Temporary

log = logging.getLogger(__name__)

PAGE = 50


@login_required
@require_safe
def home(request: HttpRequest) -> HttpResponse:
    """To the inbox."""
    return redirect("mailbox", slug=SpecialUse.INBOX)


@login_required
@require_safe
def mailbox(request: HttpRequest, slug: str) -> HttpResponse:
    """A page of a mailbox's messages, newest first."""
    context = _list_context(request, slug)
    return render(request, "webmail/inbox.html", context)


@login_required
@require_safe
def message(request: HttpRequest, slug: str, uid: int) -> HttpResponse:
    """One message, with its list beside it on wide screens. Reading it marks it read."""
    context = _list_context(request, slug)
    folder: Folder = context["folder"]
    entry = find_entry(folder, uid)
    if not entry.flags & FLAG_SEEN and _mark_seen(request, folder, uid):
        context.update(_list_context(request, slug))  # with the new counts
    context.update(_message_context(user_of(request).pk, folder, entry))
    return render(request, "webmail/message.html", context)


def _mark_seen(request: HttpRequest, folder: Folder, uid: int) -> bool:
    """Mark a message read; False if that cannot be written. A full disk must not keep anybody from
    reading mail."""
    try:
        with translate_errors():
            mark(request, folder, uid, "add", FLAG_SEEN)
    except Temporary as error:
        log.warning("a message could not be marked read", extra={"detail": error.detail})
        return False
    return True


def user_of(request: HttpRequest) -> User:
    """The person who is signed in."""
    if not isinstance(request.user, User):
        raise Http404
    return request.user


def find_folder(request: HttpRequest, slug: str) -> Folder:
    """A mailbox of the person who asks, or 404."""
    try:
        return boxes.pick(boxes.folders(user_of(request).pk), slug)
    except NotFound:
        raise Http404 from None


def find_entry(folder: Folder, uid: int) -> ListRow:
    """A message of that mailbox, or 404."""
    row = queries.list_row(folder.id, uid)
    if row is None:
        raise Http404
    return row


def _list_context(request: HttpRequest, slug: str) -> dict[str, Any]:
    user = user_of(request)
    found = boxes.folders(user.pk)
    try:
        folder = boxes.pick(found, slug)
    except NotFound:
        raise Http404 from None
    cursor = parse_cursor(request.GET.get("before", ""))
    rows = queries.inbox_page(folder.id, cursor, PAGE + 1)
    more = rows[PAGE - 1] if len(rows) > PAGE else None
    names = queries.keyword_names(folder.id)
    usage = queries.usage(user.pk)
    return {
        "folders": found,
        "folder": folder,
        "days": days(rows[:PAGE], names, is_sent=folder.special_use == SpecialUse.SENT),
        "is_first_page": cursor is None,
        # Reading and acting keep the page of the list that one is on.
        "page_query": f"?before={cursor[0]}-{cursor[1]}" if cursor else "",
        "older": write_cursor(more) if more else "",
        "usage": usage,
        "usage_percent": usage.percent,
    }


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


def inline_addresses(folder: Folder, uid: int, reading: Reading) -> dict[str, str]:
    """Addresses of `cid:` images."""
    return {
        name: reverse("part", args=[folder.slug, uid, number])
        for name, number in reading.inline.items()
    }


def mark(request: HttpRequest, folder: Folder, uid: int, mode: Any, bits: int) -> None:
    """Change flags of one message in the name of the person who asks."""
    flags.store(
        mailbox_id=folder.id,
        uids=[uid],
        change=FlagChange(mode, bits, ()),
        origin=origin(request),
    )


def origin(request: HttpRequest) -> Origin:
    """Who did it, for the journal: an administrator who looks as the user is not the user."""
    agent = request.headers.get("User-Agent", "")[:200]
    who = getattr(request, "acting_by", None) or user_of(request)
    return Origin("web", who.pk, agent, client_address(request))


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
