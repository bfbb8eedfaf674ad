"""Content that strangers wrote, each with a policy of its own: HTML bodies, attachments, the
source.

None of these responses can run a script, whether it is opened in our frame or by itself
(docs/webmail.md).
"""

import re

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.http import content_disposition_header
from django.utils.safestring import mark_safe
from django.views.decorators.clickjacking import xframe_options_sameorigin
from django.views.decorators.http import require_safe

from apps.mailstore import queries
from apps.webmail.folders import Folder
from apps.webmail.reading import File, Reading, part_content, read
from apps.webmail.sanitize import clean
from apps.webmail.visitor import find_entry, find_folder
from apps.wire.errors import MailError

SANDBOX = "sandbox allow-same-origin allow-popups allow-popups-to-escape-sandbox"
BODY_POLICY = (
    "default-src 'none'; img-src 'self' data:; style-src 'unsafe-inline'; form-action 'none';"
    f" base-uri 'none'; frame-ancestors 'self'; {SANDBOX}"
)
FILE_POLICY = "default-src 'none'; sandbox; frame-ancestors 'none'"
# What the browser may draw inside an HTML body; SVG is a document that runs scripts, so it is not
# here.
_IMAGES = frozenset({"image/png", "image/jpeg", "image/gif", "image/webp"})
_TYPE = re.compile(r"[a-z0-9!#$&^_.+-]{1,60}/[a-z0-9!#$&^_.+-]{1,60}")


def _raw(request: HttpRequest, slug: str, uid: int) -> bytes:
    entry = find_entry(find_folder(request, slug), uid)
    return queries.shown_bytes(entry.message_id, entry.head_id)


@login_required
@require_safe
@xframe_options_sameorigin
def body(request: HttpRequest, slug: str, uid: int) -> HttpResponse:
    """The HTML body of a message as a document of its own, for the sandboxed frame."""
    folder = find_folder(request, slug)
    try:
        reading = read(_raw(request, slug, uid))
    except MailError as error:
        raise Http404(error.reply.text) from None
    cleaned = clean(reading.html, _inline_addresses(folder, uid, reading))
    response = render(
        request,
        "webmail/body.html",
        # Both come out of apps.webmail.sanitize, which is what makes them safe.
        {"html": mark_safe(cleaned.html), "css": mark_safe(cleaned.css)},  # noqa: S308
    )
    response["Content-Security-Policy"] = BODY_POLICY
    return response


def _inline_addresses(folder: Folder, uid: int, reading: Reading) -> dict[str, str]:
    """Addresses of `cid:` images."""
    return {
        name: reverse("part", args=[folder.slug, uid, number])
        for name, number in reading.inline.items()
    }


@login_required
@require_safe
def part(request: HttpRequest, slug: str, uid: int, number: int) -> HttpResponse:
    """An attachment: always a download, except for images of an HTML body."""
    try:
        raw = _raw(request, slug, uid)
    except MailError as error:
        raise Http404(error.reply.text) from None
    found = part_content(raw, number)
    if found is None:
        raise Http404
    content, octets = found
    named = next((file for file in read(raw).files if file.number == number), None)
    return _file(octets, content.mime_type, named)


def _file(octets: bytes, mime_type: str, named: File | None) -> HttpResponse:
    is_picture = mime_type in _IMAGES
    kind = mime_type if _TYPE.fullmatch(mime_type) else "application/octet-stream"
    if kind.startswith(("text/html", "application/xhtml", "image/svg", "text/xml")):
        kind = "application/octet-stream"
    response = HttpResponse(octets, content_type=kind)
    response["Content-Security-Policy"] = FILE_POLICY
    if named is not None or not is_picture:
        name = named.name if named else "part"
        response["Content-Disposition"] = content_disposition_header(True, name) or "attachment"
    return response


@login_required
@require_safe
def source(request: HttpRequest, slug: str, uid: int) -> HttpResponse:
    """The whole message as text, or with `?download` as an .eml file."""
    try:
        raw = _raw(request, slug, uid)
    except MailError as error:
        raise Http404(error.reply.text) from None
    if "download" in request.GET:
        response = HttpResponse(raw, content_type="message/rfc822")
        response["Content-Disposition"] = 'attachment; filename="message.eml"'
    else:
        # Bytes that are not UTF-8 are shown by their numbers, so that nothing is hidden.
        text = raw.decode("utf-8", "backslashreplace")
        response = HttpResponse(text, content_type="text/plain; charset=utf-8")
    response["Content-Security-Policy"] = FILE_POLICY
    return response
