"""Showing the password again, before something that an open browser alone must not do."""

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods

from apps.accounts import factors
from apps.directory.authentication import authenticate
from apps.directory.models import User
from apps.ui import proving
from apps.webmail import nextpage, signingin
from apps.webmail.forms import ConfirmForm
from apps.wire.errors import AuthenticationFailed, MailError


@never_cache
@login_required
@sensitive_post_parameters("password")
@require_http_methods(["GET", "HEAD", "POST"])
def confirm(request: HttpRequest) -> HttpResponse:
    """Ask for the password of whoever is signed in; a passkey goes another way (`passkeys`)."""
    user = request.user
    assert isinstance(user, User)
    wanted = nextpage.asked(request)
    form = ConfirmForm(request.POST or None)
    if form.is_valid() and _is_right(request, form, user):
        proving.mark(request)
        return redirect(nextpage.after(wanted))
    context = {
        "form": form,
        "who": user.address,
        "next": wanted,
        "has_passkey": bool(factors.passkeys_of(user)),
    }
    return render(request, "auth/login_confirm.html", context, status=422 if form.errors else 200)


def _is_right(request: HttpRequest, form: ConfirmForm, user: User) -> bool:
    try:
        authenticate(
            username=user.key,
            password=form.cleaned_data["password"],
            address=signingin.client_address(request),
            door=signingin.DOOR,
            client=signingin.client(request),
        )
    except AuthenticationFailed:
        form.add_error("password", "This is not your password.")
    except MailError as error:
        form.add_error(None, f"{error.reply.text}.")
    else:
        return True
    return False
