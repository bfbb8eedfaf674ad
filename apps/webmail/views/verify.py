"""The second step of a sign-in: a code, a recovery code, or a passkey."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods

from apps.accounts import factors
from apps.accounts.services.factors import check_code
from apps.directory.models import Means, Outcome, User
from apps.directory.services import history
from apps.provisioning.notices import About, tell
from apps.webmail import signingin, trusting
from apps.webmail.forms import CodeForm
from apps.webmail.signingin import Pending
from apps.wire.errors import AuthenticationFailed, MailError

OVER = "That took too long, or too many codes were wrong. Sign in again."
WRONG = "This code is not right, or was used before. Wait for the next one."
WRONG_RECOVERY = "This is no recovery code of yours, or it was used before."


@never_cache
@sensitive_post_parameters("code")
@require_http_methods(["GET", "HEAD", "POST"])
def verify(request: HttpRequest) -> HttpResponse:
    """Ask for the second factor of whoever's password was right in this browser."""
    if "other" in request.POST:
        signingin.forget(request)
        return redirect("login")
    waiting = signingin.pending(request)
    if waiting is None:
        return _over(request)
    form = CodeForm(request.POST or None)
    if form.is_valid() and (means := _checked(request, form, waiting)) is not None:
        return _signed_in(request, waiting.user, means, is_trusted=form.cleaned_data["trust"])
    if form.errors and signingin.pending(request) is None:
        return _over(request)
    return _page(request, form, waiting)


def _over(request: HttpRequest) -> HttpResponse:
    if request.user.is_authenticated:
        return redirect("home")
    if signingin.is_begun(request):
        signingin.forget(request)
        messages.error(request, OVER)
    return redirect("login")


def _page(request: HttpRequest, form: CodeForm, waiting: Pending) -> HttpResponse:
    found = factors.summary(waiting.user)
    asks_recovery = "recovery" in request.GET or "recovery" in request.POST
    context = {
        "form": form,
        "who": waiting.user.address,
        "next": waiting.next,
        "has_app": found.authenticator is not None,
        "has_passkey": bool(found.passkeys),
        "has_codes": found.codes_left > 0,
        "asks_recovery": asks_recovery and found.codes_left > 0,
    }
    return render(request, "auth/login_verify.html", context, status=422 if form.errors else 200)


def _checked(request: HttpRequest, form: CodeForm, waiting: Pending) -> Means | None:
    code = form.cleaned_data["code"]
    address = signingin.client_address(request)
    try:
        return check_code(user=waiting.user, code=code, address=address)
    except AuthenticationFailed:
        is_recovery = "recovery" in request.POST
        form.add_error("code", WRONG_RECOVERY if is_recovery else WRONG)
        signingin.count_try(request)
        history.note(
            user_id=waiting.user.pk,
            outcome=Outcome.WRONG,
            door=signingin.DOOR,
            means=Means.RECOVERY_CODE if is_recovery else Means.TOTP,
            address=address,
            client=signingin.client(request),
        )
    except MailError as error:
        form.add_error("code", f"{error.reply.text}.")
    return None


def _signed_in(request: HttpRequest, user: User, means: Means, *, is_trusted: bool) -> HttpResponse:
    response = redirect(signingin.complete_sign_in(request, user, means=means))
    if is_trusted:
        trusting.remember(request, response, user)
    if means == Means.RECOVERY_CODE:
        left = factors.summary(user).codes_left
        tell(user, About.CODE_USED, detail=str(left), client=signingin.client(request))
    return response
