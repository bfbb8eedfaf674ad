"""Letters that are being written: begin one, open one again, save, discard, bring back. Each works
without script, and answers a script in JSON."""

from typing import Any
from urllib.parse import parse_qsl, unquote
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.formats import time_format
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from apps.ui.answers import wants_page
from apps.webmail import composing, refs
from apps.webmail import folders as boxes
from apps.webmail.models import Draft, DraftState
from apps.webmail.rows import moment
from apps.webmail.services import drafts
from apps.webmail.views import letterform
from apps.webmail.visitor import find_entry, find_folder, origin, person
from apps.webmail.writing import fields as typed
from apps.webmail.writing import files
from apps.webmail.writing.fields import FieldRefused, Fields
from apps.wire.errors import MailError, NotFound

_LONGEST_LINK = 20_000  # characters of a mailto: address


@login_required
@never_cache
@require_safe
def compose(request: HttpRequest) -> HttpResponse:
    """A letter that begins; nothing is kept before it is saved."""
    asked = request.GET
    kind, ref = asked.get("kind", ""), asked.get("source", "")[:40]
    try:
        return letterform.page(request, composing.begun(request, kind, ref, _prefilled(request)))
    except NotFound:
        raise Http404 from None


@login_required
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def draft(request: HttpRequest, draft: UUID) -> HttpResponse:
    """A letter again, or its save."""
    if request.method == "POST":
        return _save(request, draft)
    try:
        found = drafts.find(person(request).pk, draft)
    except NotFound:
        raise Http404 from None
    if found.state != DraftState.OPEN:
        return _elsewhere(request, found)
    return letterform.page(request, composing.again(request, found))


@login_required
@never_cache
@require_safe
def from_message(request: HttpRequest, slug: str, uid: int) -> HttpResponse:
    """A draft of the list, whichever program wrote it: to the page where it is edited."""
    folder = find_folder(request, slug)
    find_entry(folder, uid)
    known = drafts.of_message(person(request).pk, folder.id, uid)
    if known is not None:
        return redirect("compose-draft", draft=known.id)
    try:
        return letterform.page(request, composing.adopted(request, folder, uid))
    except NotFound:
        raise Http404 from None


@login_required
@require_POST
def discard(request: HttpRequest, draft: UUID) -> HttpResponse:
    """Discard a letter; for a while it can be had back."""
    try:
        drafts.discard(user_id=person(request).pk, draft_id=draft, origin=origin(request))
    except MailError as error:
        return letterform.refused(request, draft, error)
    said, undo = _("The draft is discarded."), reverse("compose-restore", args=[draft])
    if not wants_page(request):
        return JsonResponse({"text": said, "undo": undo})
    messages.success(request, said)
    return redirect("mailbox", slug="drafts")


@login_required
@require_POST
def restore(request: HttpRequest, draft: UUID) -> HttpResponse:
    """Take back that a letter was discarded."""
    try:
        drafts.restore(user_id=person(request).pk, draft_id=draft, origin=origin(request))
    except MailError as error:
        return letterform.refused(request, draft, error)
    url = reverse("compose-draft", args=[draft])
    if not wants_page(request):
        return JsonResponse({"text": _("The draft is back."), "url": url})
    return redirect(url)


def _save(request: HttpRequest, draft_id: UUID) -> HttpResponse:
    try:
        saved = letterform.saved(request, draft_id)
    except MailError as error:
        return letterform.refused(request, draft_id, error)
    if wants_page(request):
        messages.success(request, _("Draft saved"))
        return redirect("compose-draft", draft=draft_id)
    return JsonResponse(_facts(saved))


def _facts(saved: Draft) -> dict[str, Any]:
    assert saved.mailbox_id is not None
    assert saved.uid is not None
    return {
        "draft": str(saved.id),
        "revision": saved.revision,
        "saved": time_format(timezone.localtime(moment(saved.saved_at)), "TIME_FORMAT"),
        "ref": refs.write(saved.mailbox_id, saved.uid),
        "url": reverse("compose-draft", args=[saved.id]),
        "files": [files.as_json(one) for one in files.listing(saved.id)],
    }


def _elsewhere(request: HttpRequest, found: Draft) -> HttpResponse:
    """One that is no draft any more: to the message that it is, if that is there."""
    if found.state == DraftState.DISCARDED:
        messages.warning(request, _("This draft was discarded"))
        return redirect("mailbox", slug="drafts")
    for one in boxes.folders(person(request).pk):
        if one.id == found.mailbox_id and found.uid is not None:
            return redirect("message", slug=one.slug, uid=found.uid)
    messages.warning(request, _("This message was sent already"))
    return redirect("mailbox", slug="sent")


def _prefilled(request: HttpRequest) -> Fields:
    """What the address of the page says, or a `mailto:` link in it (RFC 6068): recipients, subject
    and text, and nothing else of it. What is too long to be honest is left out."""
    asked = {name: request.GET.get(name, "") for name in ("to", "cc", "bcc", "subject")}
    asked["text"] = request.GET.get("body", "")
    link = request.GET.get("url", "")[:_LONGEST_LINK]
    if link.lower().startswith("mailto:"):
        asked |= _mailto(link)
    try:
        return typed.taken({**asked, "plain": "1"})
    except FieldRefused:
        return Fields()


def _mailto(link: str) -> dict[str, str]:
    path, _mark, query = link[len("mailto:") :].partition("?")
    found: dict[str, str] = {"to": unquote(path)}
    try:
        # "+" is itself there, not a space (RFC 6068 section 5).
        pairs = parse_qsl(query.replace("+", "%2B"), max_num_fields=100)
    except ValueError:
        return found
    for name, value in pairs:
        key = "text" if name.lower() == "body" else name.lower()
        if key in {"to", "cc", "bcc"} and found.get(key):
            found[key] += f", {value}"
        elif key in {"to", "cc", "bcc", "subject", "text"}:
            found[key] = value
    return found
