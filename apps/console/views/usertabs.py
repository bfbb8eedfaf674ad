"""The tabs of a user's page, and what is done on them; each act asks its door."""

from collections.abc import Callable

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase, QueryDict
from django.shortcuts import redirect
from django.views.decorators.http import require_http_methods

from apps.audit import queries as audit
from apps.console.account import account_of
from apps.console.admission import for_administrators
from apps.console.forms import AddAliasForm, DelegateForm, SendLimitForm
from apps.console.useraddresses import leading_to, second_names, written_in
from apps.console.userdevices import devices_of, visits_of
from apps.console.usersending import sending_of
from apps.console.views.pages import administrator, user_in_sight
from apps.console.views.userpage import user_tab
from apps.directory.limits import FIELDS
from apps.directory.models import User
from apps.directory.permissions import Ability, Powers, audit_scope
from apps.provisioning.administration import aliases, credentials, delegations, limits, shares
from apps.provisioning.administration.lending import lending_of
from apps.ui.proving import ask, is_recent
from apps.wire.errors import InvalidName, MailError, NotFound
from apps.wire.numbers import whole_number

_ENTRIES = 20  # of the audit log


@for_administrators
@require_http_methods(["GET", "HEAD", "POST"])
def addresses(request: HttpRequest, powers: Powers, number: int) -> HttpResponseBase:
    """Which addresses lead to the user; add an alias, and take one away."""
    user = user_in_sight(powers, number)
    form = AddAliasForm(request.POST if request.POST.get("what") == "add" else None)
    if request.method == "POST":
        if request.POST.get("what") != "add":
            return _remove_alias(request, powers, user)
        if form.is_valid():
            try:
                alias = aliases.add(
                    powers=powers, pattern=form.cleaned_data["address"], targets=[user.address]
                )
            except MailError as error:
                form.add_error("address", f"{error.reply.text}.")
            else:
                messages.success(request, f"{alias.local}@{alias.domain.name} leads here now.")
                return redirect("console-user-addresses", user.pk)
    return _addresses(request, powers, user, form)


def _addresses(
    request: HttpRequest,
    powers: Powers,
    user: User,
    form: AddAliasForm,
    trouble: MailError | None = None,
) -> HttpResponse:
    context = {
        "leading": leading_to(powers, user),
        "second_names": second_names(user),
        "form": form,
        "adds": powers.may(Ability.CHANGE_ALIASES, user),
    }
    status = 422 if form.errors else 200
    return user_tab(request, powers, user, "addresses", context, trouble=trouble, status=status)


def _remove_alias(request: HttpRequest, powers: Powers, user: User) -> HttpResponseBase:
    """Only what leads to this user: the id may name anything."""
    wanted = whole_number(request.POST.get("alias", "")) or 0
    alias = next((one for one in leading_to(powers, user) if one.id == wanted), None)
    if alias is None:
        raise Http404
    try:
        if alias.is_group:
            target = written_in(alias.id, user)
            aliases.remove_targets(powers=powers, alias_id=alias.id, targets=[target])
        else:
            aliases.remove(powers=powers, alias_id=alias.id)
    except NotFound:
        raise Http404 from None
    except MailError as error:
        return _addresses(request, powers, user, AddAliasForm(), error)
    messages.success(request, f"{alias.pattern} leads here no more.")
    return redirect("console-user-addresses", user.pk)


@for_administrators
@require_http_methods(["GET", "HEAD", "POST"])
def devices(request: HttpRequest, powers: Powers, number: int) -> HttpResponseBase:
    """Second factors, browsers, app passwords and tokens; revoke one of those."""
    user = user_in_sight(powers, number)
    one = account_of(powers, administrator(request), user)
    if not one.is_told:
        raise Http404
    trouble: MailError | None = None
    if request.method == "POST":
        try:
            name = _revoke(powers, user, request.POST)
        except NotFound:
            raise Http404 from None
        except MailError as error:
            trouble = error
        else:
            messages.success(request, f"“{name}” is revoked. The user is told.")
            return redirect("console-user-devices", user.pk)
    context = {"devices": devices_of(user)}
    return user_tab(request, powers, user, "devices", context, one=one, trouble=trouble)


def _revoke(powers: Powers, user: User, asked: QueryDict) -> str:
    """Revoke what a button names; its name."""
    what, chosen = asked.get("what"), whole_number(asked.get("id", "")) or 0
    if what == "token":
        return credentials.revoke_token(powers=powers, user_id=user.pk, token_id=chosen)
    if what == "api-token":
        return credentials.revoke_api_token(powers=powers, user_id=user.pk, token_id=chosen)
    return credentials.revoke_app_password(powers=powers, user_id=user.pk, app_password_id=chosen)


@for_administrators
@require_http_methods(["GET", "HEAD", "POST"])
def sharing(request: HttpRequest, powers: Powers, number: int) -> HttpResponseBase:
    """Who writes in the user's name, and with whom folders are shared."""
    user = user_in_sight(powers, number)
    what = request.POST.get("what", "")
    form = DelegateForm(request.POST if what == "grant" else None)
    if what == "grant" and not is_recent(request):
        return ask(request)
    if what == "grant" and form.is_valid():
        is_as = form.cleaned_data["how"] == "as"
        try:
            delegations.grant(
                powers=powers,
                owner_id=user.pk,
                delegate=form.cleaned_data["delegate"],
                send_as=is_as,
                send_on_behalf=not is_as,
            )
        except MailError as error:
            form.add_error("delegate", f"{error.reply.text}.")
        else:
            messages.success(request, "That is so from now on. The user is told.")
            return redirect("console-user-sharing", user.pk)
    elif request.method == "POST" and what != "grant":
        return _take_back(request, powers, user, what)
    return _sharing(request, powers, user, form)


def _sharing(
    request: HttpRequest,
    powers: Powers,
    user: User,
    form: DelegateForm,
    trouble: MailError | None = None,
) -> HttpResponse:
    context = {"lending": lending_of(powers, user), "form": form}
    status = 422 if form.errors else 200
    return user_tab(request, powers, user, "sharing", context, trouble=trouble, status=status)


def _take_back(request: HttpRequest, powers: Powers, user: User, what: str) -> HttpResponseBase:
    def revoke() -> object:
        delegate = whole_number(request.POST.get("delegate", "")) or 0
        return delegations.revoke(powers=powers, owner_id=user.pk, delegate_id=delegate)

    def unshare() -> object:
        whom = request.POST.get("whom", "")
        return shares.take_back(powers=powers, owner_id=user.pk, user=whom)

    acts: dict[str, Callable[[], object]] = {"revoke": revoke, "unshare": unshare}
    if what not in acts:
        raise Http404
    try:
        acts[what]()
    except NotFound:
        raise Http404 from None
    except MailError as error:
        return _sharing(request, powers, user, DelegateForm(), error)
    messages.success(request, "That is taken back. The user is told.")
    return redirect("console-user-sharing", user.pk)


@for_administrators
@require_http_methods(["GET", "HEAD", "POST"])
def sending(request: HttpRequest, powers: Powers, number: int) -> HttpResponseBase:
    """How much the user may send, and has sent."""
    user = user_in_sight(powers, number)
    shown = sending_of(user)
    form = SendLimitForm(request.POST if request.method == "POST" else None, initial=shown.own)
    trouble: MailError | None = None
    if request.method == "POST" and form.is_valid():
        try:
            limits.set_user(powers=powers, user_id=user.pk, changes=form.changes)
        except NotFound:
            raise Http404 from None
        except InvalidName as error:
            form.add_error(None, f"{error.reply.text}.")
        except MailError as error:
            trouble = error
        else:
            messages.success(request, "The limits are set.")
            return redirect("console-user-limits", user.pk)
    fields = [(form[name], shown.usual[name]) for name in FIELDS]
    context = {"form": form, "sending": shown, "fields": fields}
    status = 422 if form.errors else 200
    return user_tab(request, powers, user, "limits", context, trouble=trouble, status=status)


@for_administrators
@require_http_methods(["GET", "HEAD"])
def activity(request: HttpRequest, powers: Powers, number: int) -> HttpResponseBase:
    """Sign-ins, and what administrators did to the user."""
    user = user_in_sight(powers, number)
    one = account_of(powers, administrator(request), user)
    before = request.GET.get("before", "")
    try:
        visits, following = visits_of(user, before=before) if one.is_told else ([], "")
    except InvalidName:
        raise Http404 from None
    entries = None
    if powers.may(Ability.READ_AUDIT):
        wanted = audit.Wanted(users=[user.pk])
        entries = audit.page(wanted, scope=audit_scope(powers), limit=_ENTRIES)
    context = {
        "visits": visits,
        "following": following,
        "before": before,
        "entries": entries,
    }
    return user_tab(request, powers, user, "activity", context, one=one)
