"""Signing other browsers out, from the list on the security page."""

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_POST

from apps.accounts.services import sessions
from apps.accounts.sessions import SessionStore
from apps.directory.models import User


@require_POST
@login_required
def end(request: HttpRequest) -> HttpResponse:
    """End one session of one's own, or (`others`) all but this one."""
    user, session = request.user, request.session
    assert isinstance(user, User)
    assert isinstance(session, SessionStore)
    if "others" in request.POST:
        sessions.end_others(user=user, keep=session.session_id)
        messages.success(request, "All other browsers are signed out.")
        return redirect("settings-security")
    wanted = request.POST.get("session", "")
    if wanted == session.session_id:
        messages.error(request, "That is this browser. Use Sign out in the menu above.")
    elif sessions.end(user=user, session_id=wanted):
        messages.success(request, "That browser is signed out.")
    else:
        messages.success(request, "That browser was signed out already.")
    return redirect("settings-security")
