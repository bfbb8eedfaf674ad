"""Users: the list, those that were removed, and adding one."""

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST

from apps.console.admission import for_administrators
from apps.console.filters import Filter
from apps.console.forms import INVITATION, AddUserForm
from apps.console.removedlist import removed
from apps.console.rolewords import ROLE_WORDS
from apps.console.useraddresses import free_addresses
from apps.console.userfilter import ADDRESS, IDLE, IDLE_DAYS, NAME, STORAGE, Wanted
from apps.console.userlist import STATES, domain_choices, users
from apps.console.views.pages import export_link, show
from apps.directory.choosing import NO_ROLE
from apps.directory.models import Kind, User, UserState
from apps.directory.permissions import Ability, Powers
from apps.directory.services.users import user_address
from apps.provisioning.administration import tombstones
from apps.provisioning.administration import users as doors
from apps.ui.proving import recently_proved
from apps.wire.errors import AlreadyExists, InvalidAddress, InvalidName, MailError, NotFound


@for_administrators
@require_http_methods(["GET", "HEAD"])
def listing(request: HttpRequest, powers: Powers) -> HttpResponseBase:
    """The users in sight."""
    wanted = Wanted.of(request.GET.dict())
    restores = powers.may(Ability.RESTORE_USERS)
    if wanted.state == UserState.REMOVED and restores:
        return redirect("console-users-removed")
    page = users(powers, wanted)
    context = {
        "wanted": wanted,
        "page": page,
        "domains": domain_choices(powers),
        "states": STATES,
        "roles": [*ROLE_WORDS.items(), (NO_ROLE, "No role")],
        "kinds": Kind.choices,
        "by_address": wanted.link(sort=ADDRESS),
        "by_name": wanted.link(sort=NAME),
        "by_storage": wanted.link(sort=STORAGE),
        "by_idle": wanted.link(sort=IDLE),
        "idle_days": IDLE_DAYS,
        "restores": restores,
        "sets_quotas": powers.may(Ability.SET_QUOTAS),
        "suspends": powers.may(Ability.SUSPEND_USERS),
        "removes": powers.may(Ability.REMOVE_USERS),
        "groups": powers.may(Ability.CHANGE_ALIASES),
        "resets": powers.may(Ability.RESET_PASSWORDS),
        "ends_sessions": powers.may(Ability.END_SESSIONS),
        "export": export_link("users", wanted),
        "imports": reverse("console-import") if powers.may(Ability.CREATE_USERS) else "",
        "nav": "users",
    }
    return show(request, powers, "users.html", context)


@for_administrators
@require_http_methods(["GET", "HEAD"])
def gone(request: HttpRequest, powers: Powers) -> HttpResponseBase:
    """The removed users that can be brought back."""
    if not powers.may(Ability.RESTORE_USERS):
        raise Http404
    wanted = Filter.of(request.GET.dict())
    context = {"wanted": wanted, "page": removed(powers, wanted), "nav": "users"}
    return show(request, powers, "user-removed.html", context)


@for_administrators
@require_POST
def restore(request: HttpRequest, powers: Powers, number: int) -> HttpResponseBase:
    """Bring a removed user back."""
    if not powers.may(Ability.RESTORE_USERS):
        raise Http404
    try:
        user = tombstones.restore(powers=powers, user_id=number)
    except NotFound:
        raise Http404 from None
    except MailError as error:
        messages.error(request, f"{error.reply.text}.")
        return redirect("console-users-removed")
    messages.success(request, f"{user.address} is back, with its mail and without its roles.")
    return redirect("console-user", user.pk)


@for_administrators
@recently_proved
@require_http_methods(["GET", "HEAD", "POST"])
def add(request: HttpRequest, powers: Powers) -> HttpResponseBase:
    """Add one; its temporary password stands in the answer, and nowhere else."""
    if not powers.may(Ability.CREATE_USERS):
        raise Http404
    domains = domain_choices(powers)
    asked = request.GET.get("domain", "")
    form = AddUserForm(
        request.POST or None,
        sets_quotas=powers.may(Ability.SET_QUOTAS),
        initial={"domain": asked if asked in domains else next(iter(domains), "")},
    )
    if request.method == "POST" and form.is_valid():
        try:
            return _added(request, powers, form)
        except MailError as error:
            _complain(form, error)
    context = {"form": form, "domains": domains, "invitation": INVITATION, "nav": "users"}
    return show(request, powers, "user-add.html", context, 422 if form.errors else 200)


def _added(request: HttpRequest, powers: Powers, form: AddUserForm) -> HttpResponse:
    user, password = doors.create(
        powers=powers,
        address=form.whole,
        name=form.cleaned_data["name"],
        quota=form.quota,
        invite=form.invitation,
    )
    if password is None:
        messages.success(request, f"{user.address} is added. The invitation is on its way.")
        return redirect("console-user", user.pk)
    made: dict[str, User | str | bool] = {"account": user, "password": password}
    return show(request, powers, "password-made.html", {**made, "is_new": True, "nav": "users"})


def _complain(form: AddUserForm, error: MailError) -> None:
    text = f"{error.reply.text}."
    if isinstance(error, AlreadyExists):
        free = free_addresses(user_address(form.whole).key, form.cleaned_data["name"])
        form.add_error("address", f"{text} Free: {', '.join(free)}." if free else text)
    elif isinstance(error, InvalidName):
        form.add_error("space" if error.detail.startswith("quota") else "name", text)
    elif isinstance(error, InvalidAddress) and form.invitation and _is_of_invitation(form):
        form.add_error("invite", text)
    elif isinstance(error, InvalidAddress | NotFound):
        form.add_error("address", text)
    else:
        form.add_error(None, text)


def _is_of_invitation(form: AddUserForm) -> bool:
    """Whether the user's own address is one, so that the other is what was refused."""
    try:
        user_address(form.whole)
    except InvalidAddress:
        return False
    return True
