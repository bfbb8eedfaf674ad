"""Forgotten passwords: asking for a link, setting a new password by one, and the recovery address.

The page that asks says the same to everybody, and whoever holds a link holds the account's
password: neither page asks who is there.
"""

from typing import Any, Final

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods

from apps.directory import throttle
from apps.directory.models import User
from apps.directory.services import accountlinks
from apps.provisioning import recovery, recoveryaddresses
from apps.ui.proving import recently_proved
from apps.webmail.accountforms import ForgotForm, RecoveryForm
from apps.webmail.forms import NewPasswordForm
from apps.webmail.signingin import client_address
from apps.webmail.visitor import person
from apps.wire.errors import MailError, NotFound

ASKED: Final = 10  # times from one network
ASKED_SECONDS: Final = 600
TOO_MANY: Final = "Too many attempts from here. Wait some minutes, then try again."


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def forgot(request: HttpRequest) -> HttpResponse:
    """Take a wish for a link. Nothing in the answer depends on what was typed, but that it was."""
    form = ForgotForm(request.POST or None)
    if not form.is_valid():
        return _page(request, "auth/forgot.html", form)
    if not throttle.passes("forgot", client_address(request), most=ASKED, seconds=ASKED_SECONDS):
        form.add_error(None, TOO_MANY)
        return _page(request, "auth/forgot.html", form)
    recovery.wish(form.cleaned_data["address"])
    return render(request, "auth/forgot_done.html")


@never_cache
@sensitive_post_parameters("new", "again")
@require_http_methods(["GET", "HEAD", "POST"])
def reset(request: HttpRequest, token: str) -> HttpResponse:
    """Set a new password by a link. It signs nobody in: a second factor has to be shown then."""
    try:
        user = recovery.find(token)
        form = NewPasswordForm(request.POST or None, user=user)
        if form.is_valid():
            recovery.reset(token, form.cleaned_data["new"])
            messages.success(request, "Your new password is set. Sign in with it.")
            return redirect("login")
    except NotFound:
        return render(request, "auth/reset_over.html", status=410)
    except MailError as error:
        form.add_error(None, f"{error.reply.text}.")
    return _page(request, "auth/reset.html", form, token=token, account=user.address)


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def proof(request: HttpRequest, token: str) -> HttpResponse:
    """Ask who reads an address whether it is to be a recovery address; a POST answers."""
    said = request.POST.get("answer", "")
    answers = {"yes": recoveryaddresses.agree, "no": recoveryaddresses.refuse}
    try:
        link = answers.get(said, recoveryaddresses.find)(token)
    except MailError:
        return render(request, "auth/proof_over.html", status=410)
    context = {"link": link, "said": said, "token": token}
    return render(request, "auth/proof.html", context)


@never_cache
@recently_proved
@require_http_methods(["GET", "HEAD", "POST"])
def address(request: HttpRequest) -> HttpResponseBase:
    """The recovery address: ask for another one, take the question back, remove it."""
    user = person(request)
    done = request.POST.get("do", "ask")
    form = RecoveryForm(request.POST if request.method == "POST" and done == "ask" else None)
    try:
        if request.method == "POST" and (said := _changed(user, done, form)):
            messages.success(request, said)
            return redirect("settings-recovery")
    except MailError as error:
        form = form if form.is_bound else RecoveryForm({})
        form.add_error("address", f"{error.reply.text}.")
    return _page(
        request,
        "webmail/settings-recovery.html",
        form,
        page="settings-recovery",
        account=user,
        waiting=accountlinks.waiting(user),
    )


def _changed(user: User, done: str, form: RecoveryForm) -> str:
    """Do what the form asks for; what to say then, "" if it asks for nothing."""
    if done == "remove":
        recoveryaddresses.remove(user)
        return "Your recovery address is removed."
    if done == "withdraw":
        recoveryaddresses.withdraw(user)
        return "The question is taken back."
    if not form.is_valid():
        return ""
    asked = recoveryaddresses.ask(user, form.cleaned_data["address"])
    return f"A letter is on its way to {asked.display}. Open the link in it."


def _page(request: HttpRequest, template: str, form: Any, **context: Any) -> HttpResponse:
    status = 422 if form.errors else 200
    return render(request, template, {"form": form, **context}, status=status)
