"""A conversation, with its list beside it on wide screens. It works as a plain page without script;
a script gets the reading pane alone, or one message of it."""

import logging
from collections import defaultdict
from typing import Any, Final

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.cache import patch_vary_headers
from django.views.decorators.http import require_safe

from apps.mailstore import conversations, queries
from apps.mailstore.conversations import Head
from apps.mailstore.models import FLAG_SEEN
from apps.mailstore.services import flags
from apps.mailstore.services.flags import FlagChange
from apps.mailstore.uidset import uid_set
from apps.mime.headers import decode_text, scan
from apps.provisioning import acting
from apps.runtime.db import translate_errors
from apps.webmail import preferences, thread
from apps.webmail.folders import Folder
from apps.webmail.thread import Message, Thread
from apps.webmail.views.listing import list_context
from apps.webmail.visitor import find_folder, origin, person, reader
from apps.wire.errors import MailError, NotFound, Temporary

log = logging.getLogger(__name__)

OPEN_ASKED: Final = 20  # messages that an address may ask to be open
HEADER_SHOWN: Final = 256 * 1024  # octets


@login_required
@require_safe
def message(request: HttpRequest, slug: str, uid: int) -> HttpResponse:
    """The conversation of a message, opened at it. Reading marks what is open read."""
    folder, places = _located(request, slug)
    found = thread.gather(
        reader(request),
        folder,
        places,
        _head(folder, uid),
        asked=request.GET.getlist("open")[:OPEN_ASKED],
        with_older="older" in request.GET,
    )
    _note(request, found)
    _mark_seen(request, found.unread)
    is_pane = _wants_pane(request)
    context = list_context(request, slug, uid, has_rows=not is_pane)  # with the new counts
    context |= _context(context, folder, found)
    template = "webmail/_thread.html" if is_pane else "webmail/message.html"
    response = render(request, template, context)
    patch_vary_headers(response, ["HX-Request", "HX-Target"])
    return response


@login_required
@require_safe
def one(request: HttpRequest, slug: str, uid: int) -> HttpResponse:
    """One message of a conversation, open, to be put where it stood folded."""
    folder, places = _located(request, slug)
    head = _head(folder, uid)
    shown = thread.message(reader(request), folder, places, head, is_open=True)
    if shown.is_unread:
        _mark_seen(request, [shown])
    return render(request, "webmail/_message.html", {"message": shown, "folder": folder})


@login_required
@require_safe
def printed(request: HttpRequest, slug: str, uid: int) -> HttpResponse:
    """One message for paper, or with `?whole` all of its conversation."""
    folder, places = _located(request, slug)
    head = _head(folder, uid)
    if "whole" in request.GET:
        found = thread.gather(reader(request), folder, places, head, opens_all=True)
        subject, messages = found.subject, found.messages
    else:
        one_alone = thread.message(reader(request), folder, places, head, is_open=True)
        subject, messages = head.subject, (one_alone,)
    context = {"subject": subject, "messages_shown": messages, "folder": folder, "uid": uid}
    return render(request, "webmail/print.html", context)


@login_required
@require_safe
def headers(request: HttpRequest, slug: str, uid: int) -> HttpResponse:
    """The header of a message: each field decoded, and the whole as it came."""
    folder = find_folder(request, slug)
    head = _head(folder, uid)
    try:
        raw = queries.header_bytes(head.message_id, head.head_id)[:HEADER_SHOWN]
    except MailError as error:
        raise Http404(error.reply.text) from None
    block = scan(raw)
    fields = [
        (
            raw[field.start : field.start + len(field.name)].decode("ascii", "replace"),
            decode_text(block.value(field)),
        )
        for field in block.fields
    ]
    context = {
        "folder": folder,
        "uid": uid,
        "head": head,
        "fields": fields,
        "raw": raw.decode("utf-8", "backslashreplace"),
    }
    return render(request, "webmail/headers.html", context)


def _located(request: HttpRequest, slug: str) -> tuple[Folder, list[Folder]]:
    try:
        return thread.located(person(request).pk, slug)
    except NotFound:
        raise Http404 from None


def _head(folder: Folder, uid: int) -> Head:
    found = conversations.head(folder.id, uid)
    if found is None:
        raise Http404
    return found


def _wants_pane(request: HttpRequest) -> bool:
    """Whether a script asks for the reading pane alone."""
    return "HX-Request" in request.headers and "HX-History-Restore-Request" not in request.headers


def _context(listed: dict[str, Any], folder: Folder, found: Thread) -> dict[str, Any]:
    names = queries.keyword_names(folder.id)
    heads = [item.head for item in found.messages if item.head.mailbox_id == folder.id]
    worn = [
        name
        for bit, name in enumerate(names)
        if name and any(head.keywords >> bit & 1 for head in heads)
    ]
    labels = [label for name in worn if (label := listed["side"].label_of(name)) is not None]
    return {
        "thread": found,
        "uid": found.current.uid,
        "ref": found.current.ref,
        "labels": labels,
        "on": [label.keyword for label in labels],
        "is_starred": found.is_starred,
        "real_folder": folder,
    }


def _note(request: HttpRequest, found: Thread) -> None:
    """An administrator who looks as the user leaves a record of all that is open beside the message
    that the address names, of which `ActingMiddleware` made one."""
    if getattr(request, "acting_by", None) is None:
        return
    by_slug: dict[str, list[int]] = defaultdict(list)
    for item in found.messages:
        if item.is_open and item is not found.current:
            by_slug[item.slug].append(item.uid)
    for slug, uids in by_slug.items():
        acting.note_acts(person(request), what="message", folder=slug, uids=uid_set(uids))


def _mark_seen(request: HttpRequest, unread: list[Message]) -> None:
    """Mark messages read, unless the person wants to do that by hand or may not do it there. A full
    disk must not keep anybody from reading mail."""
    if not unread or not preferences.asked(request).marks_read:
        return
    if "X-Peek" in request.headers:
        return  # an open page looks for news by itself (live.js): nobody has read them
    by_box: dict[int, list[int]] = defaultdict(list)
    for item in unread:
        if item.folder.may("s"):
            by_box[item.head.mailbox_id].append(item.uid)
    for mailbox_id, uids in by_box.items():
        try:
            with translate_errors():
                flags.store(
                    mailbox_id=mailbox_id,
                    uids=sorted(uids),
                    change=FlagChange("add", FLAG_SEEN, ()),
                    origin=origin(request),
                )
        except Temporary as error:
            log.warning("messages could not be marked read", extra={"detail": error.detail})
