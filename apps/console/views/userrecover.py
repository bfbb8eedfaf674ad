"""Bringing deleted mail of a user back, without seeing any of it."""

from typing import Final

from django.conf import settings
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponseBase
from django.shortcuts import redirect
from django.views.decorators.http import require_http_methods

from apps.console.admission import for_administrators
from apps.console.views.pages import show, user_in_sight
from apps.directory import permissions
from apps.directory.permissions import Ability, Powers
from apps.provisioning.administration import restoring
from apps.runtime.clock import now
from apps.wire.errors import MailError, NotFound

_HOUR: Final = 3_600
_CHOICES: Final = (
    (_HOUR, "The last hour"),
    (24 * _HOUR, "The last day"),
    (7 * 24 * _HOUR, "The last 7 days"),
)


@for_administrators
@require_http_methods(["GET", "HEAD", "POST"])
def recover(request: HttpRequest, powers: Powers, number: int) -> HttpResponseBase:
    """Say how much was deleted since then, and bring it back."""
    user = user_in_sight(powers, number)
    if not permissions.may_act_on(powers, Ability.RESTORE_USERS, user):
        raise Http404
    most = int(settings.UNDELETE_DAYS) * 24 * _HOUR
    choices = [one for one in _CHOICES if one[0] < most] + [(most, "All that is kept")]
    asked = (request.POST if request.method == "POST" else request.GET).get("within", "")
    within = next((one for one, _ in choices if str(one) == asked), choices[0][0])
    since = now() - within
    trouble: MailError | None = None
    if request.method == "POST":
        try:
            done = restoring.restore(powers=powers, user_id=user.pk, since=since)
        except NotFound:
            raise Http404 from None
        except MailError as error:
            trouble = error
        else:
            words = f"{done.messages} messages and {len(done.mailboxes)} folders are back."
            messages.success(request, f"{words} The user is told.")
            return redirect("console-user", user.pk)
    context = {
        "account": user,
        "choices": choices,
        "within": within,
        "days": settings.UNDELETE_DAYS,
        "found": restoring.deleted(powers=powers, user_id=user.pk, since=since),
        "trouble": "" if trouble is None else f"{trouble.reply.text}.",
        "nav": "users",
    }
    status = 200 if trouble is None else trouble.http_status
    return show(request, powers, "user-recover.html", context, status)
