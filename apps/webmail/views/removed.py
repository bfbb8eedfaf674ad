"""Recently deleted: /mail/removed/. A person's own mail alone."""

from typing import Any
from urllib.parse import urlencode

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from apps.webmail import folders as boxes
from apps.webmail import removed
from apps.webmail.folders import Folder, Side
from apps.webmail.services import restoring
from apps.webmail.services.restoring import Back
from apps.webmail.visitor import origin, person
from apps.wire.errors import InvalidName, MailError, NotFound


@login_required
@require_safe
def home(request: HttpRequest) -> HttpResponse:
    """Messages and folders that can be brought back."""
    user = person(request)
    side = boxes.side(user, "removed")
    own = _own(side)
    folder = _chosen(own, request.GET.get("folder", ""))
    before = removed.parse_key(request.GET.get("before", ""))
    rows, following = removed.page(
        user.pk, own, mailbox_id=folder.id if folder else None, before=before
    )
    context = {
        "side": side,
        "own": own,
        "chosen": folder,
        "rows": rows,
        "following": following,
        "is_first_page": before is None,
        "deleted": removed.deleted(user.pk) if before is None and folder is None else [],
        "days": settings.UNDELETE_DAYS,
    }
    return render(request, "webmail/removed.html", context)


@login_required
@require_POST
def restore(request: HttpRequest) -> HttpResponse:
    """Bring back the chosen messages, all of one folder, or a deleted folder."""
    user, mine = person(request), origin(request)
    try:
        if number := request.POST.get("deleted"):
            done = restoring.folder(user_id=user.pk, mailbox_id=_number(number), origin=mine)
        elif number := request.POST.get("all"):
            done = restoring.everything_of(user_id=user.pk, mailbox_id=_number(number), origin=mine)
        else:
            uids = removed.parse_refs(request.POST.getlist("ref"))
            done = restoring.chosen(user_id=user.pk, uids=uids, origin=mine)
    except NotFound:
        raise Http404 from None
    except MailError as error:
        messages.error(request, error.reply.text)
    else:
        _tell(request, done)
    return redirect("removed")


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def since(request: HttpRequest) -> HttpResponse:
    """Say what would come back of all that was removed since a time; then do it."""
    user = person(request)
    text = str((request.POST if request.method == "POST" else request.GET).get("since", ""))
    context: dict[str, Any] = {"side": boxes.side(user, "removed"), "since": text[:40]}
    if request.method != "POST" and not text:
        return render(request, "webmail/removed-since.html", context)
    try:
        at = removed.parse_time(text)
        if request.method == "POST":
            done = restoring.since(user_id=user.pk, at=at, origin=origin(request))
            _tell(request, done)
            again = f"{reverse('removed-since')}?{urlencode({'since': text})}"
            return redirect(again if done.left else "removed")
        context |= {"found": removed.since(user.pk, at), "at": at}
    except InvalidName as error:
        context["error"] = error.reply.text
    except MailError as error:
        messages.error(request, error.reply.text)
        return redirect("removed")
    status = 422 if "error" in context else 200
    return render(request, "webmail/removed-since.html", context, status=status)


def _tell(request: HttpRequest, done: Back) -> None:
    count = ngettext(
        "%(count)d message is back.", "%(count)d messages are back.", done.messages
    ) % {"count": done.messages}
    names = ", ".join(f"“{name}”" for name in done.folders[:3])
    more = len(done.folders) - 3
    if names:
        count = _("%(folders)s with %(count)d messages is back.") % {
            "folders": names + (f" +{more}" if more > 0 else ""),
            "count": done.messages,
        }
    if done.left:
        left = ngettext(
            "There was no time for %(count)d more: bring them back again.",
            "There was no time for %(count)d more: bring them back again.",
            done.left,
        )
        messages.warning(request, f"{count} {left % {'count': done.left}}")
    elif not done.messages and not done.folders:
        messages.warning(request, _("Nothing was left to bring back."))
    else:
        messages.success(request, count)


def _own(side: Side) -> list[Folder]:
    return [*side.folders, *side.more]


def _chosen(own: list[Folder], text: str) -> Folder | None:
    """None for all. Raises Http404."""
    if not text:
        return None
    try:
        return next(one for one in own if str(one.id) == text)
    except StopIteration:
        raise Http404 from None


def _number(text: str) -> int:
    """Raises Http404."""
    if not (text.isascii() and text.isdigit() and len(text) < 19):
        raise Http404
    return int(text)
