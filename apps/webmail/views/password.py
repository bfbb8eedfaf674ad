"""One's own password: /settings/password/."""

from typing import Any

from django.contrib import messages
from django.contrib.auth import update_session_auth_hash
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods

from apps.accounts.sessions import SessionStore
from apps.directory.authentication import authenticate
from apps.directory.demands import factor_demand
from apps.directory.models import User
from apps.provisioning import newpasswords
from apps.webmail.forms import PasswordForm
from apps.webmail.signingin import DOOR, client_address
from apps.webmail.visitor import person
from apps.wire.errors import AuthenticationFailed, MailError, Throttled

TOO_MANY = "Too many attempts from here. Wait a minute, then try again."


@never_cache
@login_required
@sensitive_post_parameters("current", "new", "again")
@require_http_methods(["GET", "HEAD", "POST"])
def password(request: HttpRequest) -> HttpResponse:
    """Change one's own password; all other sessions end."""
    user = person(request)
    form = PasswordForm(request.POST or None, user=user)
    must_change = user.must_change_password
    if form.is_valid() and _change(request, form, user):
        messages.success(request, "Password changed. All other browsers were signed out.")
        return redirect("home" if must_change else "settings-password")
    return render(
        request,
        "webmail/settings-password.html",
        _context(form, user),
        status=422 if form.errors else 200,
    )


def _context(form: PasswordForm, user: User) -> dict[str, Any]:
    return {
        "form": form,
        "account": user,
        "page": "settings-password",
        "opens_programs": not user.has_factor and not factor_demand(user).is_due,
    }


def _change(request: HttpRequest, form: PasswordForm, user: User) -> bool:
    session = request.session
    try:
        authenticate(
            username=user.key,
            password=form.cleaned_data["current"],
            address=client_address(request),
            door=DOOR,
        )
        newpasswords.change_own(
            user,
            form.cleaned_data["new"],
            client=request.headers.get("User-Agent", ""),
            keep=session.session_id if isinstance(session, SessionStore) else "",
        )
    except AuthenticationFailed:
        form.add_error("current", "This is not your current password.")
        return False
    except Throttled:
        form.add_error(None, TOO_MANY)
        return False
    except MailError as error:
        form.add_error(None, f"{error.reply.text}.")
        return False
    update_session_auth_hash(request, user)
    return True
