"""What is done to a user. Each act asks its door, which asks the powers again."""

from collections.abc import Callable
from typing import Final

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponseBase
from django.shortcuts import redirect
from django.views.decorators.http import require_http_methods, require_POST

from apps.console import userbulk
from apps.console.admission import for_administrators
from apps.console.forms import RemoveUserForm, RenameForm
from apps.console.views.pages import administrator, keep_and_say, show, user_in_sight
from apps.console.views.userpage import user_page
from apps.directory import permissions
from apps.directory.models import User, UserState
from apps.directory.permissions import Ability, Powers
from apps.provisioning import acting
from apps.provisioning.administration import users as doors
from apps.provisioning.services import KEEP_DAYS
from apps.ui.proving import recently_proved
from apps.wire.errors import MailError, NotFound

_STATES: Final = {
    "suspend": (UserState.SUSPENDED, "suspended"),
    "lock": (UserState.LOCKED, "locked"),
    "resume": (UserState.ACTIVE, "at work again"),
}


@for_administrators
@require_POST
def state(request: HttpRequest, powers: Powers, number: int) -> HttpResponseBase:
    """Suspend, lock or resume."""
    wanted = _STATES.get(request.POST.get("to", ""))
    if wanted is None:
        raise Http404
    to, word = wanted
    return _do(
        request,
        powers,
        number,
        lambda user: doors.set_state(powers=powers, user_id=user.pk, state=to),
        lambda user: f"{user.address} is {word}.",
    )


@for_administrators
@require_POST
def sessions(request: HttpRequest, powers: Powers, number: int) -> HttpResponseBase:
    """Sign the user out of every browser."""
    return _do(
        request,
        powers,
        number,
        lambda user: doors.end_sessions(powers=powers, user_id=user.pk),
        lambda user: f"{user.address} is signed out of every browser.",
    )


@for_administrators
@recently_proved
@require_http_methods(["GET", "HEAD", "POST"])
def password(request: HttpRequest, powers: Powers, number: int) -> HttpResponseBase:
    """Ask, and make a temporary password or a link; it stands in the answer, and nowhere else."""
    user = _user_for(powers, Ability.RESET_PASSWORDS, number)
    if request.method != "POST":
        return show(request, powers, "user-password.html", {"account": user, "nav": "users"})
    context: dict[str, object] = {"account": user, "nav": "users"}
    try:
        if request.POST.get("how") == "link":
            context["link"] = doors.make_reset_link(powers=powers, user_id=user.pk)
        else:
            context["password"] = doors.reset_password(powers=powers, user_id=user.pk)
    except NotFound:
        raise Http404 from None
    except MailError as error:
        return user_page(request, powers, user, trouble=error)
    return show(request, powers, "password-made.html", context)


@for_administrators
@recently_proved
@require_http_methods(["GET", "HEAD", "POST"])
def factors(request: HttpRequest, powers: Powers, number: int) -> HttpResponseBase:
    """Ask, and take all second factors away."""
    user = _user_for(powers, Ability.RESET_FACTORS, number)
    if request.method != "POST":
        return show(request, powers, "user-factors.html", {"account": user, "nav": "users"})
    return _do(
        request,
        powers,
        number,
        lambda user: doors.reset_factors(powers=powers, user_id=user.pk),
        lambda user: f"{user.address} has no second factor now.",
    )


@for_administrators
@recently_proved
@require_http_methods(["GET", "HEAD", "POST"])
def act_as(request: HttpRequest, powers: Powers, number: int) -> HttpResponseBase:
    """Ask for a reason, and look as the user: this browser's own session ends with that."""
    user = user_in_sight(powers, number)
    if not acting.may_begin(administrator(request), user):
        raise Http404
    if request.method != "POST":
        return show(request, powers, "user-act.html", {"account": user, "nav": "users"})
    try:
        acting.begin(request, administrator(request), user, reason=request.POST.get("reason", ""))
    except NotFound:
        raise Http404 from None
    except MailError as error:
        return user_page(request, powers, user, trouble=error)
    return redirect("home")


@for_administrators
@require_http_methods(["GET", "HEAD", "POST"])
def rename(request: HttpRequest, powers: Powers, number: int) -> HttpResponseBase:
    """Ask for another address, and give it."""
    user = _user_for(powers, Ability.RENAME_USERS, number)
    form = RenameForm(
        request.POST if request.method == "POST" else None, initial={"address": user.address}
    )
    if request.method == "POST" and form.is_valid():
        try:
            renamed = doors.rename(
                powers=powers, user_id=user.pk, address=form.cleaned_data["address"]
            )
        except MailError as error:
            form.add_error("address", f"{error.reply.text}.")
        else:
            messages.success(request, f"{user.address} is {renamed.address} now.")
            return redirect("console-user", user.pk)
    context = {"account": user, "form": form, "nav": "users"}
    return show(request, powers, "user-rename.html", context, 422 if form.errors else 200)


@for_administrators
@recently_proved
@require_http_methods(["GET", "HEAD", "POST"])
def remove(request: HttpRequest, powers: Powers, number: int) -> HttpResponseBase:
    """Ask for the address, typed, and remove the user; its mail is kept for some time."""
    user = _user_for(powers, Ability.REMOVE_USERS, number)
    form = RemoveUserForm(request.POST if request.method == "POST" else None, key=user.key)
    if request.method == "POST" and form.is_valid():
        try:
            doors.remove(powers=powers, user_id=user.pk)
        except NotFound:
            raise Http404 from None
        except MailError as error:
            form.add_error(None, f"{error.reply.text}.")
        else:
            words, before = f"{user.address} is removed.", [{"id": user.pk}]
            keep_and_say(request, words, what=userbulk.REMOVE, before=before)
            return redirect("console-users")
    context = {"account": user, "form": form, "days": KEEP_DAYS, "nav": "users"}
    return show(request, powers, "user-remove.html", context, 422 if form.errors else 200)


def _user_for(powers: Powers, ability: Ability, number: int) -> User:
    """A user on whom that may be done; for anybody else the page is not there."""
    user = user_in_sight(powers, number)
    if not permissions.may_act_on(powers, ability, user):
        raise Http404
    return user


def _do(
    request: HttpRequest,
    powers: Powers,
    number: int,
    act: Callable[[User], object],
    words: Callable[[User], str],
) -> HttpResponseBase:
    user = user_in_sight(powers, number)
    try:
        act(user)
    except NotFound:
        raise Http404 from None
    except MailError as error:
        return user_page(request, powers, user, trouble=error)
    messages.success(request, words(user))
    return redirect("console-user", user.pk)
