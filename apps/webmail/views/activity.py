"""Who signed in, and who tried to: /settings/activity/."""

from typing import Final

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from apps.directory import history
from apps.directory.services.history import KEEP_DAYS
from apps.webmail.activity import act_of
from apps.webmail.visitor import person
from apps.wire.errors import InvalidName

CHOICES: Final = (
    (history.ALL, "All"),
    (history.REFUSED, "Refused"),
    (history.WEB, "Web"),
    (history.PROGRAMS, "Mail programs"),
)


@never_cache
@login_required
@require_http_methods(["GET", "HEAD"])
def activity(request: HttpRequest) -> HttpResponse:
    """A page of sign-ins, newest first."""
    user = person(request)
    only = request.GET.get("show", "")
    only = only if only in {value for value, _ in CHOICES} else ""
    before = request.GET.get("before", "")
    try:
        page = history.of_user(user.pk, only=only, before=before)
    except InvalidName:
        raise Http404 from None
    context = {
        "acts": [act_of(row) for row in page.rows],
        "following": page.following,
        "before": before,
        "shown": only,
        "choices": CHOICES,
        "days": KEEP_DAYS,
        "page": "settings-activity",
    }
    return render(request, "webmail/settings-activity.html", context)
