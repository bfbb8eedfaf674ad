"""The page of a user: its frame, its first tab, and the form of name and space."""

from typing import Any, Final

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect
from django.urls import reverse
from django.views.decorators.http import require_http_methods

from apps.console.account import Account, account_of, space_of
from apps.console.admission import for_administrators
from apps.console.forms import ChangeUserForm, shown_space
from apps.console.userdevices import visits_of
from apps.console.views.pages import administrator, show, user_in_sight
from apps.directory.models import Kind, User
from apps.directory.permissions import Ability, Powers
from apps.provisioning.administration import users as doors
from apps.wire.errors import InvalidName, MailError, NotFound

_LATEST: Final = 5  # sign-ins of the first tab
_TABS: Final = (
    ("", "Overview"),
    ("addresses", "Addresses"),
    ("devices", "Devices and passwords"),
    ("sharing", "Delegations and sharing"),
    ("replies", "Replies and forwards"),
    ("limits", "Limits"),
    ("activity", "Activity"),
)
_OF_PERSONS: Final = frozenset({"devices", "replies"})


def tabs_of(one: Account, current: str) -> list[tuple[str, str, bool]]:
    """Address, words and whether it is open, of each tab that this user has for who looks."""
    return [
        (
            reverse(f"console-user-{key}" if key else "console-user", args=[one.user.pk]),
            words,
            key == current,
        )
        for key, words in _TABS
        if (key != "devices" or one.is_told)
        and (key not in _OF_PERSONS or one.user.kind == Kind.PERSON)
    ]


def user_tab(
    request: HttpRequest,
    powers: Powers,
    user: User,
    tab: str,
    context: dict[str, Any],
    *,
    one: Account | None = None,
    trouble: MailError | None = None,
    status: int = 200,
) -> HttpResponse:
    """A tab of a user's page, with what went wrong."""
    one = one or account_of(powers, administrator(request), user)
    if trouble is not None:
        status = trouble.http_status
    frame = {
        "one": one,
        "tabs": tabs_of(one, tab),
        "trouble": "" if trouble is None else f"{trouble.reply.text}.",
        "nav": "users",
    }
    template = f"user-{tab}.html" if tab else "user.html"
    return show(request, powers, template, {**frame, **context}, status)


@for_administrators
@require_http_methods(["GET", "HEAD", "POST"])
def page(request: HttpRequest, powers: Powers, number: int) -> HttpResponseBase:
    """A user, and the form of its name and space."""
    user = user_in_sight(powers, number)
    if request.method != "POST":
        return user_page(request, powers, user)
    form = _form(powers, user, request)
    if not form.is_valid():
        return user_page(request, powers, user, form=form)
    try:
        doors.change(powers=powers, user_id=user.pk, name=form.new_name, quota=form.quota)
    except NotFound:
        raise Http404 from None
    except InvalidName as error:
        form.add_error(
            "space" if error.detail.startswith("quota") else "name", f"{error.reply.text}."
        )
        return user_page(request, powers, user, form=form)
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
) -> HttpResponse:
    """The first tab."""
    one = account_of(powers, administrator(request), user)
    context = {
        "space": space_of(user),
        "visits": visits_of(user, limit=_LATEST)[0] if one.is_told else [],
        "form": form or _form(powers, user),
    }
    status = 422 if form is not None and form.errors else 200
    return user_tab(request, powers, user, "", context, one=one, trouble=trouble, status=status)


def _form(powers: Powers, user: User, request: HttpRequest | None = None) -> ChangeUserForm:
    return ChangeUserForm(
        None if request is None else request.POST,
        sets_quotas=powers.may(Ability.SET_QUOTAS, user),
        initial={"name": user.name, "space": shown_space(user.quota)},
    )
