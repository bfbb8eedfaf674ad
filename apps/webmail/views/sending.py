"""Send a letter, take it back, say when it leaves. Each is a form that works without script; a
script is answered in JSON."""

from typing import Any, Final
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST

from apps.delivery import recall
from apps.directory.models import User
from apps.mailstore import conversations
from apps.ui.answers import wants_page
from apps.webmail import nextpage, preferences, refs, sent
from apps.webmail.acts import undo as undoing
from apps.webmail.acts.wish import Wish, perform
from apps.webmail.folders import folders
from apps.webmail.models import Draft, DraftState
from apps.webmail.rows import moment
from apps.webmail.services import drafts, sending
from apps.webmail.services.sending import SECOND_US
from apps.webmail.views import letterform
from apps.webmail.views.acts import token_of
from apps.webmail.visitor import find_folder, origin, person
from apps.webmail.writing import doubts, files, later, making, outgoing
from apps.webmail.writing.fields import FieldRefused
from apps.wire.errors import Gone, MailError, NotFound, Temporary

UNSEND_TAG: Final = "unsend:"
"""Stands before the id of a letter in a message of django's, so that the page shows a button."""


@login_required
@never_cache
@require_POST
def send(request: HttpRequest, draft: UUID) -> HttpResponse:
    """Save and send a letter: at once, or `when`; `archive=1` puts what it answers into the
    archive, `sure=1` says that nothing was forgotten."""
    user = person(request)
    try:
        done = _sent_before(user, draft) or _send(request, user, draft)
    except MailError as error:
        found = _sent_before(user, draft) if isinstance(error, Gone) else None
        if found is None:
            return letterform.refused(request, draft, error)
        done = found  # another click was first
    token = _archive(request, user, done) if request.POST.get("archive") == "1" else None
    return _answer(request, done, archived=token)


@login_required
@require_POST
def undo(request: HttpRequest, draft: UUID) -> HttpResponse:
    """Take a letter back; with `token` also what became of the message that it answers."""
    user, mine = person(request), origin(request)
    try:
        back = sending.undo(user=user, draft_id=draft, origin=mine)
        if token := str(request.POST.get("token", "")):
            steps = undoing.read(token, user_id=user.pk, by=mine.user_id or 0)
            undoing.perform(user.pk, steps, mine)
    except MailError as error:
        return _refused(request, draft, error)
    url = reverse("compose-draft", args=[back.id])
    if not wants_page(request):
        return JsonResponse({"text": _("The message is not sent."), "url": url})
    messages.success(request, _("The message is not sent. It is a draft again."))
    return redirect(url)


@login_required
@require_POST
def schedule(request: HttpRequest, draft: UUID) -> HttpResponse:
    """Have a scheduled letter leave at another time."""
    try:
        at = later.moment(str(request.POST.get("when", "")), timezone.localtime())
        done = sending.change(user=person(request), draft_id=draft, origin=origin(request), at=at)
    except MailError as error:
        return _refused(request, draft, error)
    return _answer(request, done, to=_place(person(request).pk, draft))


@login_required
@require_POST
def now(request: HttpRequest, draft: UUID) -> HttpResponse:
    """Have a scheduled letter leave now."""
    try:
        done = sending.change(
            user=person(request),
            draft_id=draft,
            origin=origin(request),
            at=0,
            undo_seconds=preferences.asked(request).undo_seconds,
        )
    except MailError as error:
        return _refused(request, draft, error)
    return _answer(request, done, to=_place(person(request).pk, draft))


@login_required
@require_POST
def hasten(request: HttpRequest, slug: str, uid: int) -> HttpResponse:
    """Have a delayed message of one's own tried again now."""
    folder = find_folder(request, slug)
    head = conversations.head(folder.id, uid)
    if head is None:
        raise Http404
    try:
        trace_id = sent.trace_of(person(request).pk, head.message_key)
        count = 0 if trace_id is None else recall.hasten(trace_id, person(request).pk)
    except MailError as error:
        if not wants_page(request):
            return JsonResponse({"error": error.reply.text}, status=error.http_status)
        messages.error(request, error.reply.text)
        return redirect("message", slug=slug, uid=uid)
    said = _("It is tried again now.") if count else _("There is nothing that waits any more.")
    if not wants_page(request):
        return JsonResponse({"text": said, "count": count})
    messages.success(request, said)
    return redirect("message", slug=slug, uid=uid)


def _send(request: HttpRequest, user: User, draft_id: UUID) -> Draft:
    saved = letterform.saved(request, draft_id)
    wanted = str(request.POST.get("when", ""))
    at = later.moment(wanted, timezone.localtime()) if wanted else 0
    if request.POST.get("sure") != "1":
        _ask(saved)
    return sending.send(
        user=user,
        draft_id=draft_id,
        revision=saved.revision,
        origin=origin(request),
        at=at,
        undo_seconds=preferences.asked(request).undo_seconds,
    )


def _ask(saved: Draft) -> None:
    """Raises FieldRefused for what looks forgotten; but first for what cannot be: nobody is asked
    about the subject of a letter that goes to nobody."""
    fields = drafts.fields_of(saved)
    outgoing.recipients(fields)
    if coming := files.unfinished(saved.id):
        words = _("“%(name)s” has not been uploaded yet. Send it without?")
        raise FieldRefused("files", words % {"name": coming[0]}, asks=True)
    doubts.ask(
        subject=fields.subject,
        text=making.text_of(fields),
        has_files=bool(files.listing(saved.id)),
    )


def _sent_before(user: User, draft_id: UUID) -> Draft | None:
    try:
        found = drafts.find(user.pk, draft_id)
    except NotFound:
        return None
    return found if found.state in sending.LEFT else None


def _archive(request: HttpRequest, user: User, done: Draft) -> str | None:
    """Put the conversation that was answered into the archive; what undoes it. The letter has left
    by now: that this does not work out is no reason to say it had not."""
    if done.source_mailbox_id is None or done.source_uid is None:
        return None
    named = {done.source_mailbox_id: [done.source_uid]}
    try:
        moved = perform(user.pk, Wish("archive", named, whole=True), origin(request))
    except MailError:
        return None
    return token_of(request, moved.steps) if moved.can_undo else None


def _answer(
    request: HttpRequest, done: Draft, *, archived: str | None = None, to: str = ""
) -> HttpResponse:
    """What became of it, in JSON for a script; for others a page that says so, `to` or the one that
    the form asks for."""
    said = _said(done)
    undo_url = reverse("compose-undo", args=[done.id])
    if not wants_page(request):
        is_sent = done.state == DraftState.SENT
        return JsonResponse(
            {
                "text": said,
                "draft": str(done.id),
                "state": done.state,
                "until": -(-done.hold_until // SECOND_US) if is_sent else 0,
                "at": done.hold_until // SECOND_US,
                "undo": undo_url,
                "archived": archived,
                "ref": refs.write(done.mailbox_id or 0, done.uid or 0),
            }
        )
    can_undo = bool(done.hold_until)
    messages.success(request, said, extra_tags=f"{UNSEND_TAG}{done.id}" if can_undo else "")
    return redirect(to or nextpage.after(str(request.POST.get("next", ""))))


def _said(done: Draft) -> str:
    if done.state != DraftState.SCHEDULED:
        return _("Message sent.")
    at = timezone.localtime(moment(done.hold_until // SECOND_US))
    return _("The message is sent on %(when)s.") % {"when": later.hint(at)}


def _refused(request: HttpRequest, draft_id: UUID, error: MailError) -> HttpResponse:
    """Where there is no form to show again: back to the message, with a word."""
    is_away = isinstance(error, NotFound) or (
        isinstance(error, Temporary) and error.http_status == 503
    )
    if not wants_page(request) or is_away:
        return letterform.refused(request, draft_id, error)
    messages.error(request, error.reply.text)
    return redirect(_place(person(request).pk, draft_id))


def _place(user_id: int, draft_id: UUID) -> str:
    """The page of the message of a letter, or of where it would lie."""
    found = drafts.find(user_id, draft_id)
    slugs: dict[Any, str] = {one.id: one.slug for one in folders(user_id)}
    if found.mailbox_id in slugs and found.uid is not None:
        return reverse("message", args=[slugs[found.mailbox_id], found.uid])
    return reverse("mailbox", args=["sent"])
