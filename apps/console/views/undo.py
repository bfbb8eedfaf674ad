"""Taking back what was done to many things at once."""

from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponseBase
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import require_POST

from apps.console.admission import for_administrators
from apps.console.services import bulkacts
from apps.console.undoing import UNDOERS
from apps.console.views.pages import administrator, show
from apps.directory.permissions import Powers
from apps.wire.errors import MailError
from apps.wire.numbers import whole_number


@for_administrators
@require_POST
def undo(request: HttpRequest, powers: Powers) -> HttpResponseBase:
    """Do the opposite, and go back to the page that it was asked on; of what was done in portions
    the last one first, and then ask for the next."""
    try:
        act_id = UUID(request.POST.get("act", ""))
    except ValueError:
        raise Http404 from None
    try:
        act = bulkacts.take(user=administrator(request), act_id=act_id)
    except MailError as error:
        messages.error(request, f"{error.reply.text}.")
        return redirect(_next(request))
    following = bulkacts.last_of(user=administrator(request), run=act.run)
    try:
        words = UNDOERS[act.what](powers, act.before)
    except MailError as error:
        if following is None:
            messages.error(request, f"{error.reply.text}.")
            return redirect(_next(request))
        words = f"{error.reply.text}."
    nth = (whole_number(request.POST.get("nth", "")) or 0) + 1
    if following is not None:
        context = {"words": words, "act": following, "next": _next(request), "nth": nth}
        return show(request, powers, "undo-going.html", context)
    others = "portion is" if nth == 2 else f"{nth - 1:,} portions are"
    many = f" The other {others} back too." if nth > 1 else ""
    messages.success(request, words + many)
    return redirect(_next(request))


def _next(request: HttpRequest) -> str:
    before = request.POST.get("next", "")
    is_ours = before.startswith("/") and url_has_allowed_host_and_scheme(before, allowed_hosts=None)
    return before if is_ours else reverse("console")
