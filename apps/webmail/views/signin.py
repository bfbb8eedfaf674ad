"""Sign-in, sign-out, and the set-up link of the first operator."""

from contextlib import suppress

from django.contrib import messages
from django.contrib.auth import logout
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST

from apps.accounts.middleware import has_ended
from apps.directory.authentication import authenticate
from apps.directory.backends import MailhostBackend
from apps.directory.models import Means, User
from apps.mime.address import Address
from apps.provisioning import services as provisioning
from apps.webmail import nextpage, trusting
from apps.webmail.forms import SetupForm, SignInForm
from apps.webmail.signingin import (
    DOOR,
    begin_second_step,
    client,
    client_address,
    complete_sign_in,
    leave,
)
from apps.wire.errors import AlreadyExists, AuthenticationFailed, MailError, Throttled

WRONG = "This address and password do not belong together."
TOO_MANY = "Too many attempts from here. Wait a minute, then try again."


@never_cache
@sensitive_post_parameters("password")
@require_http_methods(["GET", "HEAD", "POST"])
def sign_in(request: HttpRequest) -> HttpResponse:
    """The sign-in page of mail and console."""
    wanted = nextpage.asked(request)
    if request.user.is_authenticated and request.method != "POST":
        return redirect(nextpage.after(wanted))
    form = SignInForm(request.POST or None)
    if form.is_valid() and (user := _checked(request, form)) is not None:
        return _go_on(request, user, kept=form.cleaned_data["kept"], wanted=wanted)
    context = {"form": form, "next": wanted, "has_ended": has_ended(request)}
    return render(request, "auth/login.html", context, status=422 if form.errors else 200)


def _checked(request: HttpRequest, form: SignInForm) -> User | None:
    try:
        principal = authenticate(
            username=form.cleaned_data["address"],
            password=form.cleaned_data["password"],
            address=client_address(request),
            door=DOOR,
            client=client(request),
        )
    except AuthenticationFailed:
        form.add_error(None, WRONG)
    except Throttled:
        form.add_error(None, TOO_MANY)
    except MailError as error:
        form.add_error(None, f"{error.reply.text}.")
    else:
        user = MailhostBackend().get_user(principal.user_id)
        if user is not None and user.credential_version == principal.credential_version:
            return user
        form.add_error(None, WRONG)  # changed or suspended in this very moment
    return None


def _go_on(request: HttpRequest, user: User, *, kept: bool, wanted: str) -> HttpResponse:
    """In, or on to the second step."""
    if not user.has_factor:
        return redirect(complete_sign_in(request, user, means=Means.PASSWORD, kept=kept))
    if trusting.is_trusted(request, user):
        return redirect(complete_sign_in(request, user, means=Means.TRUSTED_DEVICE, kept=kept))
    return begin_second_step(request, user, kept, wanted)


@require_POST
def sign_out(request: HttpRequest) -> HttpResponse:
    """End this session."""
    logout(request)
    leave(request)
    return redirect("login")


@never_cache
@sensitive_post_parameters("password")
@require_http_methods(["GET", "HEAD", "POST"])
def setup(request: HttpRequest, token: str) -> HttpResponse:
    """The one-time link that `serve` prints: makes the first operator."""
    if not provisioning.setup_link_works(token):
        return render(request, "auth/setup_over.html", status=410)
    form = SetupForm(request.POST or None)
    if form.is_valid() and (user := _first_operator(form, token)) is not None:
        complete_sign_in(request, user, means=Means.PASSWORD)
        messages.success(request, "Welcome. You run this mail service now.")
        return redirect("console-setup")  # the next steps of the first run
    context = {"form": form, "token": token}
    return render(request, "auth/setup.html", context, status=422 if form.errors else 200)


def _first_operator(form: SetupForm, token: str) -> User | None:
    data = form.cleaned_data
    try:
        if data["host_domain"]:
            _host(Address.parse(data["address"]).domain)
        return provisioning.use_setup_link(
            token, data["address"], data["password"], name=data["name"]
        )
    except MailError as error:
        form.add_error(None, f"{error.reply.text}.")
    return None


def _host(domain: str) -> None:
    """Host the operator's domain here, if nobody did yet."""
    with suppress(AlreadyExists):
        provisioning.add_domain(domain)
