"""Stopping to look as a user."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_POST

from apps.accounts.sessions import SessionStore
from apps.directory.models import User
from apps.provisioning import acting
from apps.webmail import signingin


@require_POST
def stop(request: HttpRequest) -> HttpResponse:
    """End it. The administrator signs in again: this browser holds no session of theirs."""
    session, user = request.session, request.user
    if isinstance(session, SessionStore) and isinstance(user, User) and acting.is_acting(session):
        acting.end(session, user)
        signingin.leave(request)
        messages.success(request, "You have stopped. Sign in again as yourself.")
        return redirect("login")
    return redirect("home")
