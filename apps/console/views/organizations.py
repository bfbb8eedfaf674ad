"""Organisations: the list, a page for each, and what operators do to one."""

from typing import Final

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect
from django.views.decorators.http import require_http_methods, require_POST

from apps.console.admission import for_administrators
from apps.console.organizationforms import OrganizationForm, SendingForm
from apps.console.organizationlist import STATES, Wanted, holding_now, organizations
from apps.console.organizationpage import page_of
from apps.console.views.pages import show
from apps.directory.models import Organization, State
from apps.directory.permissions import Ability, Powers
from apps.provisioning.administration import organizations as doors
from apps.provisioning.administration.sight import find_organization
from apps.ui.proving import recently_proved
from apps.wire.errors import AlreadyExists, InvalidName, MailError, NotFound

_STATES: Final = {
    "suspend": (State.SUSPENDED, "suspended"),
    "lock": (State.LOCKED, "locked"),
    "resume": (State.ACTIVE, "at work again"),
}


@for_administrators
@require_http_methods(["GET", "HEAD"])
def listing(request: HttpRequest, powers: Powers) -> HttpResponseBase:
    """The organisations in sight."""
    _needs(powers, Ability.SEE_ORGANIZATIONS)
    wanted = Wanted.of(request.GET.dict())
    context = {
        "wanted": wanted,
        "page": organizations(powers, wanted),
        "states": STATES,
        "adds": powers.may(Ability.CHANGE_ORGANIZATIONS),
        "nav": "organizations",
    }
    return show(request, powers, "organizations.html", context)


@for_administrators
@require_http_methods(["GET", "HEAD", "POST"])
def add(request: HttpRequest, powers: Powers) -> HttpResponseBase:
    """Add one."""
    _needs(powers, Ability.CHANGE_ORGANIZATIONS)
    form = OrganizationForm(request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        try:
            made = doors.add(powers=powers, name=form.cleaned_data["name"], **form.limits)
        except MailError as error:
            _say(form, error)
        else:
            messages.success(request, f"{made.name} is added.")
            return redirect("console-organization", made.pk)
    context = {"form": form, "nav": "organizations"}
    return show(request, powers, "organization-add.html", context, 422 if form.errors else 200)


@for_administrators
@require_http_methods(["GET", "HEAD", "POST"])
def page(request: HttpRequest, powers: Powers, number: int) -> HttpResponseBase:
    """An organisation, and the form of its name and limits."""
    found = _in_sight(powers, number)
    if request.method != "POST":
        return _page(request, powers, found)
    form = OrganizationForm(request.POST, before=found)
    if not form.is_valid():
        return _page(request, powers, found, form=form, status=422)
    try:
        changed = doors.change(
            powers=powers, organization_id=found.pk, name=form.new_name, **form.limits
        )
    except NotFound:
        raise Http404 from None
    except (AlreadyExists, InvalidName) as error:
        _say(form, error)
        return _page(request, powers, found, form=form, status=422)
    except MailError as error:
        return _page(request, powers, found, trouble=error)
    messages.success(request, f"{changed.name} is changed.")
    return redirect("console-organization", found.pk)


@for_administrators
@require_POST
def sending(request: HttpRequest, powers: Powers, number: int) -> HttpResponseBase:
    """How much all its users together may send."""
    found = _operated(powers, number)
    form = SendingForm(request.POST, before=page_of(powers, found).sending)
    if not form.is_valid():
        return _page(request, powers, found, sending=form, status=422)
    try:
        doors.set_sending(powers=powers, organization_id=found.pk, changes=form.changes)
    except NotFound:
        raise Http404 from None
    except MailError as error:
        return _page(request, powers, found, sending=form, trouble=error)
    messages.success(request, f"What {found.name} may send is changed.")
    return redirect("console-organization", found.pk)


@for_administrators
@require_http_methods(["GET", "HEAD", "POST"])
def state(request: HttpRequest, powers: Powers, number: int) -> HttpResponseBase:
    """Say what suspending, locking and resuming would do, and do it."""
    found = _operated(powers, number)
    trouble = ""
    if request.method == "POST":
        wanted = _STATES.get(request.POST.get("to", ""))
        if wanted is None:
            raise Http404
        try:
            doors.set_state(powers=powers, organization_id=found.pk, state=wanted[0])
        except NotFound:
            raise Http404 from None
        except MailError as error:
            trouble = f"{error.reply.text}."
        else:
            messages.success(request, f"{found.name} is {wanted[1]}.")
            return redirect("console-organization", found.pk)
    context = {
        "one": found,
        "holding": holding_now(found),
        "trouble": trouble,
        "nav": "organizations",
    }
    return show(request, powers, "organization-state.html", context, 409 if trouble else 200)


@for_administrators
@recently_proved
@require_http_methods(["GET", "HEAD", "POST"])
def remove(request: HttpRequest, powers: Powers, number: int) -> HttpResponseBase:
    """Ask for its name, and remove one that has no domains."""
    found = _operated(powers, number)
    held = holding_now(found)
    wrong, trouble = "", ""
    if request.method == "POST":
        if request.POST.get("name", "").strip() != found.name:
            wrong = "This is not its name: write it as it stands above."
        else:
            try:
                doors.remove(powers=powers, organization_id=found.pk)
            except NotFound:
                raise Http404 from None
            except MailError as error:
                trouble = f"{error.reply.text}: remove them first."
            else:
                messages.success(request, f"{found.name} is removed.")
                return redirect("console-organizations")
    context = {
        "one": found,
        "holding": held,
        "wrong": wrong,
        "trouble": trouble,
        "typed": request.POST.get("name", "")[:200],
        "nav": "organizations",
    }
    status = 422 if wrong else 409 if trouble else 200
    return show(request, powers, "organization-remove.html", context, status)


def _needs(powers: Powers, ability: Ability) -> None:
    """Nothing is here for whose role has it nowhere."""
    if not powers.may(ability):
        raise Http404


def _in_sight(powers: Powers, number: int) -> Organization:
    try:
        return find_organization(powers, number)
    except NotFound:
        raise Http404 from None


def _operated(powers: Powers, number: int) -> Organization:
    _needs(powers, Ability.CHANGE_ORGANIZATIONS)
    return _in_sight(powers, number)


def _page(
    request: HttpRequest,
    powers: Powers,
    found: Organization,
    *,
    form: OrganizationForm | None = None,
    sending: SendingForm | None = None,
    trouble: MailError | None = None,
    status: int = 200,
) -> HttpResponse:
    one = page_of(powers, found)
    context = {
        "one": one,
        "form": form or OrganizationForm(before=found),
        "sending": sending or SendingForm(before=one.sending),
        "trouble": "" if trouble is None else f"{trouble.reply.text}.",
        "nav": "organizations",
    }
    if trouble is not None:
        status = trouble.http_status
    return show(request, powers, "organization.html", context, status)


def _say(form: OrganizationForm, error: MailError) -> None:
    """Beside the field that it is about."""
    is_limit = isinstance(error, InvalidName) and error.reply.text.startswith("A limit")
    is_name = isinstance(error, AlreadyExists | InvalidName) and not is_limit
    form.add_error("name" if is_name else None, f"{error.reply.text}.")
