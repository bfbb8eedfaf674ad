"""The files of a letter that is being written: begin one, send its pieces, look at it, remove it.

Pieces come as raw octets, so that nothing of a file is parsed or written elsewhere on its way, and
no longer than one may be: a script sends the next when this one is kept.
"""

from collections.abc import Callable, Iterator
from functools import wraps
from typing import Final
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.db import connection
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse, StreamingHttpResponse
from django.shortcuts import redirect
from django.utils.http import content_disposition_header
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from apps.ui.answers import wants_page
from apps.ui.streaming import Streamed
from apps.webmail import imagehead
from apps.webmail.models import DraftFile
from apps.webmail.services import draftfiles
from apps.webmail.views.content import FILE_POLICY
from apps.webmail.visitor import person
from apps.webmail.writing import files
from apps.wire.errors import MailError, MessageTooLarge, Refused

_LONGEST_NUMBER: Final = 15  # digits
_KEPT_SECONDS: Final = 24 * 3600  # a file that is here whole never changes

Door = Callable[..., HttpResponse | StreamingHttpResponse]


def _answered(view: Door) -> Door:
    """Failures as JSON."""

    @wraps(view)
    def door(
        request: HttpRequest, draft: UUID, **named: UUID
    ) -> HttpResponse | StreamingHttpResponse:
        try:
            return view(request, draft, **named)
        except MailError as error:
            return JsonResponse({"error": error.reply.text}, status=error.http_status)

    return door


@login_required
@never_cache
@require_POST
@_answered
def begin(request: HttpRequest, draft: UUID) -> HttpResponse:
    """Begin a file; the letter is made if this is the first that is kept of it."""
    file = draftfiles.begin(
        user_id=person(request).pk,
        draft_id=draft,
        name=request.POST.get("name", ""),
        size=_number(request.POST.get("size", "")),
        media_type=request.POST.get("type", ""),
        is_inline=request.POST.get("inline") == "1",
    )
    return JsonResponse(files.as_json(file))


@login_required
@never_cache
@require_http_methods(["GET", "HEAD", "POST", "DELETE"])
@_answered
def file(request: HttpRequest, draft: UUID, file: UUID) -> HttpResponse:
    """How much of a file is here; a POST brings the next piece, a DELETE removes it."""
    user_id = person(request).pk
    if request.method == "DELETE":
        was_there = draftfiles.remove(user_id=user_id, draft_id=draft, file_id=file)
        return JsonResponse({}, status=200 if was_there else 404)
    found = draftfiles.find(user_id=user_id, draft_id=draft, file_id=file)
    if request.method != "POST":
        return JsonResponse(files.as_json(found))
    at = _number(request.GET.get("at", ""))
    received = draftfiles.receive(file=found, at=at, octets=_octets(request))
    if not received.is_placed:
        return JsonResponse({"received": received.received}, status=409)
    return JsonResponse({"received": received.received, "done": received.is_done})


@login_required
@require_POST
def remove(request: HttpRequest, draft: UUID, file: UUID) -> HttpResponse:
    """Remove a file, for a page without script."""
    try:
        draftfiles.remove(user_id=person(request).pk, draft_id=draft, file_id=file)
    except MailError as error:
        if not wants_page(request):
            return JsonResponse({"error": error.reply.text}, status=error.http_status)
        messages.error(request, error.reply.text)
    return redirect("compose-draft", draft)


@login_required
@require_safe
def content(request: HttpRequest, draft: UUID, file: UUID) -> HttpResponse | StreamingHttpResponse:
    """A file as it came: a picture of the text is shown, all else is a download."""
    try:
        found = draftfiles.find(user_id=person(request).pk, draft_id=draft, file_id=file)
    except MailError as error:
        raise Http404(error.reply.text) from None
    if found.received < found.size:
        raise Http404("it is not here yet")
    kind = _picture(found) if found.cid else ""
    response = Streamed(_pieces(found), content_type=kind or "application/octet-stream")
    response["Content-Length"] = str(found.size)
    response["Content-Security-Policy"] = FILE_POLICY
    response["Cache-Control"] = f"private, max-age={_KEPT_SECONDS}, immutable"
    if not kind:
        named = content_disposition_header(True, found.name)
        response["Content-Disposition"] = named or "attachment"
    return response


def _pieces(file: DraftFile) -> Iterator[bytes]:
    """Its octets. They are read on threads that no request cleans up after: whoever reads slowly
    holds no connection to the database, and none that broke stays there for the next."""
    try:
        for piece in draftfiles.pieces(file):
            _let_go()
            yield piece
    finally:
        _let_go()


def _let_go() -> None:
    if not connection.in_atomic_block:
        connection.close()


def _picture(file: DraftFile) -> str:
    """Its type by its octets; "" if it is none that a browser may draw here."""
    picture = imagehead.look(draftfiles.head(file))
    return picture.mime_type if picture is not None and picture.is_bearable else ""


def _octets(request: HttpRequest) -> bytes:
    """The body, no more of it than a piece may have."""
    if request.content_type != "application/octet-stream":
        raise Refused(text=_("Send the file as mere octets"))
    try:
        announced = int(request.META.get("CONTENT_LENGTH") or 0)
    except ValueError:
        announced = 0
    body = request.read(draftfiles.PIECE + 1) if announced <= draftfiles.PIECE else b""
    if announced > draftfiles.PIECE or len(body) > draftfiles.PIECE:
        raise MessageTooLarge(text=_("This piece of the file is too large"))
    return body


def _number(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) <= _LONGEST_NUMBER):
        raise Refused(text=_("This is no size of a file"))
    return int(text)
