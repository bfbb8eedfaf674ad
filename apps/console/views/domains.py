"""Domains: the list, what is done to many of them, and adding one."""

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST

from apps.console.admission import for_administrators
from apps.console.domains import bulk as many
from apps.console.domains import domainlist
from apps.console.domains.forms import MIRROR, RELAY, AddDomainForm
from apps.console.services import bulkacts
from apps.console.typed import ticked
from apps.console.views.pages import back_to, export_link, keep_and_say, show
from apps.directory import permissions
from apps.directory.models import Domain, RelayCheck
from apps.directory.permissions import Ability, Powers
from apps.directory.services.transports import Server, host_name
from apps.provisioning.administration import dnschecks, servers
from apps.provisioning.administration import domains as doors
from apps.ui.proving import recently_proved
from apps.wire.errors import InvalidName, MailError, NotFound

_LEGEND = 3  # most reasons of refusals that a message tells


@for_administrators
@require_http_methods(["GET", "HEAD"])
def listing(request: HttpRequest, powers: Powers) -> HttpResponseBase:
    """The domains in sight."""
    wanted = domainlist.Wanted.of(request.GET.dict())
    organizations = domainlist.organization_choices(powers)
    context = {
        "wanted": wanted,
        "page": domainlist.domains(powers, wanted, tells_organization=bool(organizations)),
        "shows": [(words, key, wanted.link(show=key)) for key, words in domainlist.SHOWS.items()],
        "needing_work": domainlist.needing_work(powers),
        "organizations": organizations,
        "adds": powers.may(Ability.ADD_DOMAINS),
        "suspends": powers.may(Ability.SUSPEND_DOMAINS),
        "export": export_link("domains", wanted),
        "imports": reverse("console-import") if powers.may(Ability.ADD_DOMAINS) else "",
        "nav": "domains",
    }
    return show(request, powers, "domains.html", context)


@for_administrators
@require_POST
def bulk(request: HttpRequest, powers: Powers) -> HttpResponseBase:
    """Do something to the domains that were ticked."""
    ids = ticked(request.POST.getlist("id"))[: bulkacts.MOST]
    act = request.POST.get("act", "")
    if act == "check":
        messages.success(request, f"{many.counted(many.check(powers, ids))} being checked.")
    elif act in many.STATES:
        _set_states(request, powers, ids, act)
    else:
        raise Http404
    return back_to("console-domains", domainlist.Wanted.of(request.POST.dict()))


def _set_states(request: HttpRequest, powers: Powers, ids: list[int], act: str) -> None:
    state, word = many.STATES[act]
    done = many.set_state(powers, ids, state)
    if done.count:
        words = f"{many.counted(done.count)} {word}."
        keep_and_say(request, words, what=many.STATE, before=done.before)
    elif not done.refused:
        messages.info(request, "No domain had to be changed.")
    for reason in done.refused[:_LEGEND]:
        messages.error(request, f"{reason}.")


@for_administrators
@recently_proved
@require_http_methods(["GET", "HEAD", "POST"])
def add(request: HttpRequest, powers: Powers) -> HttpResponseBase:
    """Add one; its records come next."""
    if not powers.may(Ability.ADD_DOMAINS):
        raise Http404
    owners = permissions.organizations(powers, Ability.ADD_DOMAINS).order_by("name")
    names = list(owners.values_list("name", flat=True)[: domainlist.CHOICES])
    form = AddDomainForm(
        request.POST or None,
        relays=powers.is_operator,
        organizations=names if len(names) > 1 else [],
    )
    if request.method == "POST" and form.is_valid():
        domain = _added(powers, form)
        if domain is not None:
            dnschecks.request(powers=powers, domain_id=domain.pk)
            messages.success(request, f"{domain.name} is hosted here now.")
            return redirect("console-domain", domain.pk)
    return _add_page(request, powers, form, names)


def _add_page(
    request: HttpRequest, powers: Powers, form: AddDomainForm, names: list[str]
) -> HttpResponse:
    mirrored = permissions.domains(powers, Ability.ADD_DOMAINS).filter(alias_of=None)
    context = {
        "form": form,
        "names": names,
        "mirrored": mirrored.order_by("name").values_list("name", flat=True)[: domainlist.CHOICES],
        "nav": "domains",
    }
    return show(request, powers, "domain-add.html", context, 422 if form.errors else 200)


def _added(powers: Powers, form: AddDomainForm) -> Domain | None:
    """The new domain; None if the form has to say why there is none."""
    values, kind = form.cleaned_data, form.cleaned_data["kind"]
    host = values.get("host", "") if kind == RELAY else ""
    try:
        if host:
            host_name(host)  # before there is a domain
    except MailError as error:
        form.add_error("host", f"{error.reply.text}.")
        return None
    try:
        domain = doors.add(
            powers=powers,
            name=values["name"],
            organization_id=_organization(powers, values.get("organization", "")),
            alias_of=values["alias_of"] if kind == MIRROR else None,
        )
        if kind == RELAY:
            servers.set_relay(
                powers=powers,
                domain_id=domain.pk,
                check=RelayCheck.CALL_AHEAD,
                server=Server(host) if host else None,
            )
    except MailError as error:
        form.add_error(_field(form, error, kind), f"{error.reply.text}.")
        return None
    return domain


def _organization(powers: Powers, name: str) -> int | None:
    """The id of an organisation in sight; None if none was named."""
    if not name:
        return None
    found = permissions.organizations(powers, Ability.ADD_DOMAINS).filter(name=name).first()
    if found is None:
        raise NotFound("organisation", text="There is no such organisation")
    return found.pk


def _field(form: AddDomainForm, error: MailError, kind: str) -> str:
    """The field that a refusal is about."""
    if error.detail == "organisation" and "organization" in form.fields:
        return "organization"
    if kind == MIRROR and not isinstance(error, InvalidName):
        return (
            "alias_of" if error.http_status == 404 or error.detail == "alias of alias" else "name"
        )
    return "name"
