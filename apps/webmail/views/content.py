"""Content that strangers wrote, each with a policy of its own: HTML bodies, attachments, the
source.

None of these responses can run a script, whether it is opened in our frame or by itself
(docs/webmail.md).
"""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple

from django.contrib.auth.decorators import login_required
from django.db import connection
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.http import content_disposition_header
from django.utils.safestring import mark_safe
from django.views.decorators.clickjacking import xframe_options_sameorigin
from django.views.decorators.http import require_safe

from apps.mailstore import queries
from apps.mailstore.models import SpecialUse
from apps.mailstore.queries import ListRow
from apps.mime.reading import part_content, read
from apps.ui.room import ROOM, SMALL, Hold
from apps.webmail import preferences
from apps.webmail.body import DESIGNED, Wanted, document
from apps.webmail.folders import Folder
from apps.webmail.pictures import addresser, are_wanted
from apps.webmail.sanitize import Wishes
from apps.webmail.sheets import sheet
from apps.webmail.visitor import find_entry, find_folder, person
from apps.wire.errors import MailError

SANDBOX = "sandbox allow-same-origin allow-popups allow-popups-to-escape-sandbox"
BODY_POLICY = (
    "default-src 'none'; img-src 'self' data:; style-src 'unsafe-inline'; form-action 'none';"
    f" base-uri 'none'; frame-ancestors 'self'; {SANDBOX}"
)
FILE_POLICY = "default-src 'none'; sandbox; frame-ancestors 'none'"
# What a browser would show as a document of this host: it is offered as mere octets.
_DOCUMENTS = (
    "text/html",
    "text/xml",
    "text/xsl",
    "application/xml",
    "application/xhtml",
    "image/svg",
)
# And what a page that names its address may run: to its policy this host is 'self'.
_RUN = re.compile(r"[a-z]+/(?:x-)?(?:(?:java|ecma|j|live)script[0-9.]*|css)")
_TYPE = re.compile(r"[a-z0-9!#$&^_.+-]{1,60}/[a-z0-9!#$&^_.+-]{1,60}")


class Whole(NamedTuple):
    """A message as it is shown, and the room that it takes."""

    raw: bytes
    hold: Hold
    internaldate: int


@contextmanager
def whole(request: HttpRequest, slug: str, uid: int) -> Iterator[Whole]:
    """A message of the person who asks, or 404. Raises Overloaded."""
    entry = find_entry(find_folder(request, slug), uid)
    if entry.size > SMALL and not connection.in_atomic_block:
        connection.close()  # who waits for room holds none
    # As it came, and decoded.
    with ROOM.taken(person(request).pk, 2 * entry.size) as hold:
        try:
            raw = queries.shown_bytes(entry.message_id, entry.head_id)
        except MailError as error:
            raise Http404(error.reply.text) from None
        yield Whole(raw, hold, entry.internaldate)


@login_required
@require_safe
@xframe_options_sameorigin
def body(request: HttpRequest, slug: str, uid: int, number: int | None = None) -> HttpResponse:
    """A part of a message as a document of its own, for the sandboxed frame."""
    folder = find_folder(request, slug)
    entry = find_entry(folder, uid)
    with ROOM.taken(person(request).pk, entry.size):
        return _body(request, folder, entry, number)


def _body(request: HttpRequest, folder: Folder, entry: ListRow, number: int | None) -> HttpResponse:
    user_id, uid = person(request).pk, entry.uid
    try:
        shown = queries.shown(entry.message_id, entry.head_id)
        raw = shown.whole()
    except MailError as error:
        raise Http404(error.reply.text) from None
    is_closed = folder.special_use == SpecialUse.JUNK
    as_text = is_closed and request.GET.get("as") != DESIGNED
    has_pictures = not is_closed and ("images" in request.GET or are_wanted(user_id, shown))
    wishes = Wishes(addresser(user_id) if has_pictures else None, has_links=not is_closed)
    found = document(raw, number, _inline_addresses(folder, uid, raw), Wanted(wishes, as_text))
    if found is None:
        raise Http404
    chosen = sheet(
        is_designed=found.is_designed,
        asked=request.GET.get("sheet", ""),
        theme=preferences.asked(request).theme,
    )
    context = {
        # Both come out of apps.webmail.sanitize, which is what makes them safe.
        "html": mark_safe(found.html),  # noqa: S308
        "css": mark_safe(found.css),  # noqa: S308
        "sheet": chosen,
        "is_closed": is_closed,
        "is_text": as_text,
    }
    response = render(request, "webmail/body.html", context)
    response["Content-Security-Policy"] = BODY_POLICY
    response["Referrer-Policy"] = "no-referrer"
    return response


def _inline_addresses(folder: Folder, uid: int, raw: bytes) -> dict[str, str]:
    """Addresses of `cid:` images."""
    return {
        name: reverse("inline", args=[folder.slug, uid, number])
        for name, number in read(raw).inline.items()
    }


@login_required
@require_safe
def part(request: HttpRequest, slug: str, uid: int, number: int) -> HttpResponse:
    """An attachment: always a download, whatever it is."""
    with whole(request, slug, uid) as message:
        found = part_content(message.raw, number)
        if found is None:
            raise Http404
        content, octets = found
        files = read(message.raw).files
        named = next((file for file in files if file.number == number), None)
        response = _file(octets, content.mime_type, named.name if named else "part")
        message.hold.until_gone(response)
        return response


def _file(octets: bytes, mime_type: str, name: str) -> HttpResponse:
    kind = mime_type if _TYPE.fullmatch(mime_type) else "application/octet-stream"
    if kind.startswith(_DOCUMENTS) or kind.endswith("+xml") or _RUN.fullmatch(kind):
        kind = "application/octet-stream"
    response = HttpResponse(octets, content_type=kind)
    response["Content-Security-Policy"] = FILE_POLICY
    response["Content-Disposition"] = content_disposition_header(True, name) or "attachment"
    return response


@login_required
@require_safe
def source(request: HttpRequest, slug: str, uid: int) -> HttpResponse:
    """The whole message as text, or with `?download` as an .eml file."""
    with whole(request, slug, uid) as message:
        response = _source(message.raw, as_file="download" in request.GET)
        message.hold.until_gone(response)
        return response


def _source(raw: bytes, *, as_file: bool) -> HttpResponse:
    if as_file:
        response = HttpResponse(raw, content_type="message/rfc822")
        response["Content-Disposition"] = 'attachment; filename="message.eml"'
    else:
        # Bytes that are not UTF-8 are shown by their numbers, so that nothing is hidden.
        text = raw.decode("utf-8", "backslashreplace")
        response = HttpResponse(text, content_type="text/plain; charset=utf-8")
    response["Content-Security-Policy"] = FILE_POLICY
    return response
