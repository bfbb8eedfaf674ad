"""Pictures of HTML mail: those that came with it, those from outside, and whose are loaded."""

import logging

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.db import connection
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from apps.mailstore import queries
from apps.mime.reading import part_content
from apps.remote.webfetch import FetchError
from apps.webmail import imagehead, pictures
from apps.webmail.models import TrustedSender
from apps.webmail.senders import proven_address
from apps.webmail.services import trusted
from apps.webmail.views.content import FILE_POLICY, whole
from apps.webmail.visitor import find_entry, find_folder, person
from apps.wire.errors import MailError, Overloaded

log = logging.getLogger(__name__)

LISTED = 1_000


@login_required
@require_safe
def outside(request: HttpRequest, signed: str) -> HttpResponse:
    """A picture from outside, fetched for who reads a message."""
    user_id = person(request).pk
    url = pictures.read_address(signed, user_id)
    if url is None:
        raise Http404
    if not connection.in_atomic_block:
        connection.close()  # a slow stranger must not hold one
    try:
        picture, octets = pictures.fetch(url, user_id)
    except Overloaded as error:
        return _plain(error.reply.text, 503)
    except FetchError as error:
        log.info("a picture was not fetched", extra={"reason": str(error)})
        return _plain(_("This picture could not be loaded."), 502)
    return picture_response(octets, picture.mime_type)


@login_required
@require_safe
def inline(request: HttpRequest, slug: str, uid: int, number: int) -> HttpResponse:
    """A picture that came with an HTML body, which names it by `cid:`."""
    with whole(request, slug, uid) as message:
        found = part_content(message.raw, number)
    picture = imagehead.look(found[1]) if found else None
    if found is None or picture is None or not picture.is_bearable:
        raise Http404
    return picture_response(found[1], picture.mime_type)


@login_required
@require_POST
def trust(request: HttpRequest, slug: str, uid: int) -> HttpResponse:
    """Load pictures of this message's sender from now on."""
    entry = find_entry(find_folder(request, slug), uid)
    try:
        shown = queries.shown(entry.message_id, entry.head_id)
        trusted.trust(user_id=person(request).pk, address=proven_address(shown))
    except MailError as error:
        messages.error(request, error.reply.text)
    return redirect("message", slug, uid)


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def senders(request: HttpRequest) -> HttpResponse:
    """Whose pictures are loaded without asking; a POST takes one of them off."""
    user_id = person(request).pk
    if request.method == "POST":
        row = request.POST.get("forget", "")
        if row.isascii() and row.isdigit() and len(row) < 19:
            trusted.forget(user_id=user_id, row_id=int(row))
        return redirect("pictures")
    rows = TrustedSender.objects.filter(user_id=user_id).order_by("key")[:LISTED]
    return render(request, "webmail/pictures.html", {"senders": rows})


def picture_response(octets: bytes, mime_type: str) -> HttpResponse:
    """A picture whose type we know, for the browser to keep for a day."""
    response = HttpResponse(octets, content_type=mime_type)
    response["Content-Security-Policy"] = FILE_POLICY
    response["Cache-Control"] = f"private, max-age={pictures.KEPT_SECONDS}, immutable"
    return response


def _plain(text: str, status: int) -> HttpResponse:
    response = HttpResponse(text, content_type="text/plain; charset=utf-8", status=status)
    response["Content-Security-Policy"] = FILE_POLICY
    return response
