"""Second factors as their owner sees them: /settings/security/ and the pages behind it.

What opens an account is only shown and changed soon after its password or passkey was shown.
"""

from typing import Any

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST

from apps.accounts import factors as reading
from apps.accounts.services import authenticators, passkeys, trusted
from apps.accounts.sites import site_of
from apps.directory.demands import factor_demand
from apps.directory.models import User
from apps.provisioning import factors
from apps.ui.clients import browser_words
from apps.ui.proving import recently_proved
from apps.webmail import trusting, whereabouts
from apps.webmail.qrcode import drawn
from apps.webmail.views.passkeys import stay_signed_in
from apps.wire.errors import AuthenticationFailed, MailError, NotFound

HOME = "settings-security"


@never_cache
@login_required
@require_http_methods(["GET", "HEAD"])
def overview(request: HttpRequest) -> HttpResponse:
    """All ways to sign in, and what is missing."""
    user = _user(request)
    context = {
        "factors": reading.summary(user),
        "demand": factor_demand(user),
        "has_passkeys_here": _site_works(request),
        "is_trusted_here": trusting.is_trusted(request, user),
        **whereabouts.context(request, user),
    }
    return _page(request, "settings-security.html", context)


@never_cache
@recently_proved
@sensitive_post_parameters("code")
@require_http_methods(["GET", "HEAD", "POST"])
def authenticator(request: HttpRequest) -> HttpResponseBase:
    """Set an authenticator app up: begin, show its key, take the first code; or remove it."""
    user = _user(request)
    wanted = request.POST.get("do", "")
    if wanted == "begin":
        authenticators.start(user=user, issuer=settings.MAIL_HOSTNAME)
        return redirect("security-authenticator")
    if wanted == "remove":
        return _removed(request, user, "The authenticator app was removed.")
    error = ""
    if wanted == "confirm":
        try:
            return _confirmed(request, user)
        except AuthenticationFailed as failure:
            error = f"{failure.reply.text}"
    waiting = authenticators.waiting(user=user, issuer=settings.MAIL_HOSTNAME)
    context = {
        "waiting": waiting,
        "qr": drawn(waiting.address) if waiting is not None else None,
        "is_set_up": reading.summary(user).authenticator is not None,
        "error": error,
    }
    return _page(request, "security-authenticator.html", context, 422 if error else 200)


def _confirmed(request: HttpRequest, user: User) -> HttpResponse:
    client = request.headers.get("User-Agent", "")
    codes = factors.confirm_authenticator(
        user=user, code=request.POST.get("code", ""), client=client
    )
    stay_signed_in(request, user)
    if codes:
        return _codes(request, codes, is_first=True)
    messages.success(request, "The authenticator app is set up.")
    return redirect(HOME)


def _removed(request: HttpRequest, user: User, words: str, passkey_id: int = 0) -> HttpResponse:
    client = request.headers.get("User-Agent", "")
    try:
        if passkey_id:
            factors.remove_passkey(user=user, passkey_id=passkey_id, client=client)
        else:
            factors.remove_authenticator(user=user, client=client)
    except NotFound:
        raise Http404 from None
    except MailError as error:
        messages.error(request, f"{error.reply.text}.")
        return redirect(HOME)
    stay_signed_in(request, user)
    messages.success(request, words)
    return redirect(HOME)


@never_cache
@recently_proved
@require_http_methods(["GET", "HEAD", "POST"])
def codes(request: HttpRequest) -> HttpResponseBase:
    """Make new recovery codes and show them, once."""
    user = _user(request)
    if request.method == "POST":
        try:
            return _codes(request, factors.renew_codes(user=user))
        except NotFound as error:
            messages.error(request, f"{error.reply.text}.")
            return redirect(HOME)
    return _page(request, "security-codes.html", {"factors": reading.summary(user)})


def _codes(request: HttpRequest, made: list[str], *, is_first: bool = False) -> HttpResponse:
    return _page(request, "security-codes.html", {"codes": made, "is_first": is_first})


@never_cache
@recently_proved
@require_http_methods(["GET", "HEAD"])
def new_passkey(request: HttpRequest) -> HttpResponseBase:
    """The page whose script makes a passkey."""
    name = browser_words(request.headers.get("User-Agent", ""))
    context = {
        "has_passkeys_here": _site_works(request),
        "name": name,
        "factors": reading.summary(_user(request)),
        "most": passkeys.MOST,
    }
    return _page(request, "security-passkey-new.html", context)


@never_cache
@recently_proved
@require_http_methods(["GET", "HEAD", "POST"])
def passkey(request: HttpRequest, number: int) -> HttpResponseBase:
    """Rename or remove a passkey. Another's is not there."""
    user = _user(request)
    found = reading.passkey_of(user, number)
    if found is None:
        raise Http404
    if request.POST.get("do") == "remove":
        words = f"The passkey {found.name} was removed."
        return _removed(request, user, words, passkey_id=found.id)
    error = ""
    if request.POST.get("do") == "rename":
        try:
            passkeys.rename(user=user, passkey_id=found.id, name=request.POST.get("name", ""))
        except NotFound:
            raise Http404 from None
        except MailError as failure:
            error = f"{failure.reply.text}."
        else:
            messages.success(request, "Renamed.")
            return redirect(HOME)
    context = {"passkey": found, "error": error}
    return _page(request, "security-passkey.html", context, 422 if error else 200)


@login_required
@require_POST
def forget_trusted(request: HttpRequest) -> HttpResponse:
    """Trust no browser any more, this one included. It takes away, so it asks for nothing."""
    gone = trusted.forget_all(user=_user(request))
    words = "1 browser is" if gone == 1 else f"{gone} browsers are"
    messages.success(request, f"{words} asked for the second step again.")
    response = redirect(HOME)
    trusting.forget(response)
    return response


def _page(
    request: HttpRequest, template: str, context: dict[str, Any], status: int = 200
) -> HttpResponse:
    context["page"] = HOME
    return render(request, f"webmail/{template}", context, status=status)


def _site_works(request: HttpRequest) -> bool:
    return site_of(request.get_host(), is_secure=request.is_secure()) is not None


def _user(request: HttpRequest) -> User:
    if not isinstance(request.user, User):
        raise Http404
    return request.user
