"""Taking back what was done to many things at once."""

from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponseBase
from django.shortcuts import redirect
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import require_POST

from apps.console.admission import for_administrators
from apps.console.services import bulkacts
from apps.console.undoing import UNDOERS
from apps.console.views.pages import administrator
from apps.directory.permissions import Powers
from apps.wire.errors import MailError


@for_administrators
@require_POST
def undo(request: HttpRequest, powers: Powers) -> HttpResponseBase:
    """Do the opposite, and go back to the page that it was asked on."""
    try:
        act_id = UUID(request.POST.get("act", ""))
    except ValueError:
        raise Http404 from None
    try:
        act = bulkacts.take(user=administrator(request), act_id=act_id)
        messages.success(request, UNDOERS[act.what](powers, act.before))
    except MailError as error:
        messages.error(request, f"{error.reply.text}.")
    before = request.POST.get("next", "")
    is_ours = before.startswith("/") and url_has_allowed_host_and_scheme(before, allowed_hosts=None)
    return redirect(before if is_ours else "console")
