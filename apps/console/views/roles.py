"""Who administers what: the list of roles, giving one and taking one back."""

from django.contrib import messages
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect
from django.views.decorators.http import require_http_methods

from apps.console import rolelist
from apps.console.admission import for_administrators
from apps.console.organizationforms import RoleForm
from apps.console.rolelist import Wanted
from apps.console.rolewords import ROLE_WORDS
from apps.console.views.pages import show
from apps.directory.models import Organization, Role, RoleGrant
from apps.directory.permissions import Ability, Powers
from apps.provisioning.administration import roles as doors
from apps.provisioning.administration.sight import find_organization
from apps.ui.proving import recently_proved
from apps.wire.errors import InvalidAddress, InvalidName, MailError, NotFound
from apps.wire.numbers import whole_number


@for_administrators
@require_http_methods(["GET", "HEAD"])
def listing(request: HttpRequest, powers: Powers) -> HttpResponseBase:
    """All roles in sight."""
    _needs(powers)
    return _list(request, powers, None, None)


@for_administrators
@require_http_methods(["GET", "HEAD"])
def of_organization(request: HttpRequest, powers: Powers, number: int) -> HttpResponseBase:
    """Those of an organisation and its domains."""
    found = _organization(powers, number)
    return _list(request, powers, found, rolelist.within(powers, found))


@for_administrators
@recently_proved
@require_http_methods(["GET", "HEAD", "POST"])
def give(request: HttpRequest, powers: Powers) -> HttpResponseBase:
    """Give somebody in sight a role."""
    _needs(powers)
    form = _form(request, powers)
    if request.method == "POST" and form.is_valid():
        values = form.cleaned_data
        try:
            made = doors.grant_to(
                powers=powers,
                address=values["user"],
                role=Role(values["role"]),
                organization_id=values.get("organization"),
                domain=values["domain"].strip() or None,
                may_reset=values["may_reset"],
            )
        except MailError as error:
            form.add_error(_field_of(error), f"{error.reply.text}.")
        else:
            messages.success(request, f"{made.user.address}: {ROLE_WORDS[Role(made.role)]}.")
            if made.organization_id is not None:
                return redirect("console-organization-roles", made.organization_id)
            return redirect("console-roles")
    context = {
        "form": form,
        "roles": rolelist.choices(powers),
        "domains": rolelist.domain_choices(powers),
        "creates_operators": powers.may(Ability.MAKE_OPERATORS),
        "nav": "organizations",
    }
    return show(
        request, powers, "organization-role-give.html", context, 422 if form.errors else 200
    )


@for_administrators
@recently_proved
@require_http_methods(["GET", "HEAD", "POST"])
def take(request: HttpRequest, powers: Powers, number: int) -> HttpResponseBase:
    """Ask, and take a role back."""
    line = rolelist.line_of(powers, number)
    if line is None:
        raise Http404
    trouble = ""
    if request.method == "POST":
        try:
            doors.revoke(powers=powers, grant_id=number)
        except NotFound:
            raise Http404 from None
        except MailError as error:
            trouble = f"{error.reply.text}."
        else:
            messages.success(request, f"{line.address} has this role no more.")
            return redirect("console-roles")
    context = {"line": line, "trouble": trouble, "nav": "organizations"}
    return show(request, powers, "organization-role-take.html", context, 409 if trouble else 200)


def _needs(powers: Powers) -> None:
    if not powers.may(Ability.MAKE_HELPDESKS):
        raise Http404


def _organization(powers: Powers, number: int) -> Organization:
    try:
        return find_organization(powers, number)
    except NotFound:
        raise Http404 from None


def _list(
    request: HttpRequest,
    powers: Powers,
    organization: Organization | None,
    among: QuerySet[RoleGrant] | None,
) -> HttpResponse:
    wanted = Wanted.of(request.GET.dict())
    context = {
        "wanted": wanted,
        "page": rolelist.roles(powers, wanted, among),
        "organization": organization,
        "kinds": [(role.value, ROLE_WORDS[role]) for role in ROLE_WORDS],
        "nav": "organizations",
    }
    return show(request, powers, "organization-roles.html", context)


def _form(request: HttpRequest, powers: Powers) -> RoleForm:
    choices = rolelist.organization_choices(powers)
    asked = request.GET.get("organization", "")
    named = whole_number(asked)
    if named is not None:
        # The list is a beginning: what a link names is offered too, if it is in sight.
        try:
            found = find_organization(powers, named, Ability.MAKE_HELPDESKS)
        except NotFound:
            pass
        else:
            choices = list(dict.fromkeys([(found.pk, found.name), *choices]))
    return RoleForm(
        request.POST if request.method == "POST" else None,
        roles=rolelist.choices(powers),
        organizations=choices,
        initial={
            "user": request.GET.get("user", "").replace("\0", "")[:320],
            "domain": request.GET.get("domain", "").replace("\0", "")[:253],
            "organization": asked,
            "role": request.GET.get("role", "")[:20],
        },
    )


def _field_of(error: MailError) -> str | None:
    """Which field it is about; None for all of them."""
    if isinstance(error, InvalidAddress) or error.detail.startswith("user "):
        return "user"
    if isinstance(error, NotFound | InvalidName) and error.detail.startswith(
        ("domain", "no domain")
    ):
        return "domain"
    return None
