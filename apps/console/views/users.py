"""Users: the list, a page for each, and adding one."""

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect
from django.views.decorators.http import require_http_methods

from apps.console.account import account_of
from apps.console.admission import for_administrators
from apps.console.forms import AddUserForm, ChangeUserForm, shown_space
from apps.console.listing import STATES, Wanted, domain_choices, users
from apps.console.views.pages import administrator, show, user_in_sight
from apps.directory.models import User
from apps.directory.permissions import Ability, Powers
from apps.provisioning.administration import users as doors
from apps.ui.proving import recently_proved
from apps.wire.errors import MailError, NotFound


@for_administrators
@require_http_methods(["GET", "HEAD"])
def listing(request: HttpRequest, powers: Powers) -> HttpResponseBase:
    """The users in sight."""
    wanted = Wanted.of(request.GET.dict())
    context = {
        "wanted": wanted,
        "found": users(powers, wanted),
        "domains": domain_choices(powers),
        "states": STATES,
        "nav": "users",
    }
    return show(request, powers, "users.html", context)


@for_administrators
@recently_proved
@require_http_methods(["GET", "HEAD", "POST"])
def add(request: HttpRequest, powers: Powers) -> HttpResponseBase:
    """Add one; its temporary password stands in the answer, and nowhere else."""
    if not powers.may(Ability.CREATE_USERS):
        raise Http404
    form = AddUserForm(
        request.POST or None,
        sets_quotas=powers.may(Ability.SET_QUOTAS),
        initial={"address": f"@{next(iter(domain_choices(powers)), '')}"},
    )
    if request.method == "POST" and form.is_valid():
        try:
            user, password = doors.create(
                powers=powers,
                address=form.cleaned_data["address"],
                name=form.cleaned_data["name"],
                quota=form.quota,
            )
        except MailError as error:
            form.add_error(None, f"{error.reply.text}.")
        else:
            made = {"account": user, "password": password, "is_new": True, "nav": "users"}
            return show(request, powers, "password-made.html", made)
    context = {"form": form, "nav": "users"}
    return show(request, powers, "user-add.html", context, 422 if form.errors else 200)


@for_administrators
@require_http_methods(["GET", "HEAD", "POST"])
def page(request: HttpRequest, powers: Powers, number: int) -> HttpResponseBase:
    """A user, and the form of its name and space."""
    user = user_in_sight(powers, number)
    if request.method != "POST":
        return user_page(request, powers, user)
    form = _form(powers, user, request)
    if not form.is_valid():
        return user_page(request, powers, user, form=form, status=422)
    try:
        doors.change(
            powers=powers, user_id=user.pk, name=form.cleaned_data["name"], quota=form.quota
        )
    except NotFound:
        raise Http404 from None
    except MailError as error:
        return user_page(request, powers, user, trouble=error)
    messages.success(request, f"{user.address} is changed.")
    return redirect("console-user", user.pk)


def user_page(
    request: HttpRequest,
    powers: Powers,
    user: User,
    *,
    form: ChangeUserForm | None = None,
    trouble: MailError | None = None,
    status: int = 200,
) -> HttpResponse:
    """The page of a user, with what went wrong."""
    context = {
        "one": account_of(powers, administrator(request), user),
        "form": form or _form(powers, user),
        "trouble": "" if trouble is None else f"{trouble.reply.text}.",
        "nav": "users",
    }
    if trouble is not None:
        status = trouble.http_status
    return show(request, powers, "user.html", context, status)


def _form(powers: Powers, user: User, request: HttpRequest | None = None) -> ChangeUserForm:
    return ChangeUserForm(
        None if request is None else request.POST,
        sets_quotas=powers.may(Ability.SET_QUOTAS, user),
        initial={"name": user.name, "space": shown_space(user.quota)},
    )
