"""Attachments to look at and to take along: previews that are drawn here, and all as one ZIP."""

from base64 import b64encode
from typing import Any

from django.contrib.auth.decorators import login_required
from django.db import connection
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.cache import patch_vary_headers
from django.utils.http import content_disposition_header
from django.views.decorators.http import require_safe

from apps.mime import charset
from apps.mime.reading import part_content, read
from apps.ui.streaming import Streamed
from apps.webmail import preview
from apps.webmail.archive import safe_names, stream
from apps.webmail.attachments import Attachment, listing
from apps.webmail.views.content import FILE_POLICY, whole
from apps.webmail.visitor import find_folder
from apps.wire.errors import MailError


@login_required
@require_safe
def look(request: HttpRequest, slug: str, uid: int, number: int) -> HttpResponse:
    """A page with the preview of one attachment, and the way to the next; for a script the inside
    of its dialog."""
    folder = find_folder(request, slug)
    with whole(request, slug, uid) as message:
        context = _preview(request, message.raw, number)
    context |= {"folder": folder, "uid": uid}
    is_part = "HX-Request" in request.headers
    name = "webmail/_preview.html" if is_part else "webmail/preview.html"
    page = render(request, name, context)
    patch_vary_headers(page, ["HX-Request"])
    return page


def _preview(request: HttpRequest, raw: bytes, number: int) -> dict[str, Any]:
    """Raises Http404: there is no such file."""
    files = listing(raw, read(raw).files)
    here = next((at for at, file in enumerate(files) if file.number == number), None)
    if here is None:
        raise Http404
    context: dict[str, Any] = {
        "here": request.path,
        "file": files[here],
        "place": here + 1,
        "count": len(files),
        "previous": files[here - 1] if here else None,
        "following": files[here + 1] if here + 1 < len(files) else None,
    }
    return context | _shown(request, raw, files[here])


def _shown(request: HttpRequest, raw: bytes, file: Attachment) -> dict[str, Any]:
    """What stands on the page of a preview; the drawing is in the page itself, so that how many
    sheets there are is known with it."""
    found = part_content(raw, file.number)
    if found is None or not file.preview:
        return {}
    part, octets = found
    if file.preview == preview.TEXT:
        return {"text": charset.decode(octets, part.charset), "is_text": True}
    asked = request.GET.get("page", "1")
    sheet = max(int(asked), 1) if asked.isascii() and asked.isdigit() and len(asked) < 4 else 1
    if not connection.in_atomic_block:
        connection.close()  # drawing takes a while
    try:
        drawn = preview.draw(octets, file.preview, sheet)
    except MailError as error:
        return {"trouble": error.reply.text}
    sheets = min(drawn.sheets, preview.MOST_SHEETS)
    return {
        "picture": f"data:{drawn.mime_type};base64,{b64encode(drawn.octets).decode()}",
        "sheet": sheet,
        "sheets": drawn.sheets,
        "sheet_before": sheet - 1 if sheet > 1 else None,
        "sheet_after": sheet + 1 if sheet < sheets else None,
    }


@login_required
@require_safe
def together(request: HttpRequest, slug: str, uid: int) -> HttpResponse | Streamed:
    """All attachments of a message as one ZIP file."""
    with whole(request, slug, uid) as message:
        reading = read(message.raw)
        if not reading.files:
            raise Http404
        pieces = stream(message.raw, reading.files, message.internaldate)
        response = Streamed(pieces, content_type="application/zip")
        message.hold.until_gone(response)
    name = safe_names([f"{reading.subject[:80] or 'message'}.zip"])[0]
    response["Content-Disposition"] = content_disposition_header(True, name) or "attachment"
    response["Content-Security-Policy"] = FILE_POLICY
    return response
