"""The mail that leaves a domain: its keys, how much it may be, by which server it goes."""

from django.contrib import messages
from django.db import transaction
from django.forms import Form
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect
from django.views.decorators.http import require_http_methods, require_POST

from apps.console.admission import for_administrators
from apps.console.domains.forms import LimitsForm, ServerForm
from apps.console.domains.sendingpage import keys, limit_of, servers_of
from apps.console.models import BulkAct
from apps.console.policies import undoing
from apps.console.services import bulkacts
from apps.console.views.domainsframe import act, demand_or_refuse, domain_in_sight, tab
from apps.console.views.pages import administrator
from apps.directory.dkim import Finding
from apps.directory.models import Domain, RelayCheck, StsMode, TransportScope
from apps.directory.permissions import Ability, Powers
from apps.dnscheck import queries
from apps.provisioning.administration import dnschecks, sending, servers
from apps.provisioning.administration import domains as doors
from apps.provisioning.administration.policies import Changed
from apps.ui.proving import recently_proved
from apps.wire.errors import InvalidName, MailError

_PAGE = "console-domain-sending"


@for_administrators
@require_http_methods(["GET", "HEAD"])
def page(request: HttpRequest, powers: Powers, number: int) -> HttpResponseBase:
    """What there is."""
    return sending_page(request, powers, domain_in_sight(powers, number))


def sending_page(
    request: HttpRequest,
    powers: Powers,
    domain: Domain,
    *,
    status: int = 200,
    **forms: Form,
) -> HttpResponse:
    """The tab, with forms that have to be looked at again."""
    hops = servers_of(domain)
    found = keys(domain, queries.report(domain))
    context = {
        "keys": found,
        "pending": [key for key in found if key.badge == "info"],
        "limits": LimitsForm(limit=limit_of(domain)),
        "smarthost": hops.get("sender"),
        "behind": hops.get("recipient"),
        "smarthost_form": ServerForm.of(hops.get("sender")),
        "relay_form": ServerForm.of(hops.get("recipient")),
        "checks": RelayCheck.choices,
    }
    return tab(request, powers, domain, "sending", {**context, **forms}, status=status)


@for_administrators
@require_POST
def rotate(request: HttpRequest, powers: Powers, number: int) -> HttpResponseBase:
    """Make the next keys."""

    def do() -> str:
        made = sending.rotate_keys(powers=powers, domain_id=number)
        dnschecks.request(powers=powers, domain_id=number)
        return f"The next keys are made: publish the records of {' and '.join(made)}."

    return act(request, number, do, to=_PAGE)


@for_administrators
@require_POST
def activate(request: HttpRequest, powers: Powers, number: int) -> HttpResponseBase:
    """Let keys sign that wait: those whose record is there, or all."""
    force = request.POST.get("force") == "1"

    def do() -> str:
        looked = sending.activate_keys(powers=powers, domain_id=number, force=force)
        if not looked:
            raise InvalidName("no pending keys", text="No keys wait for their records")
        late = [row for row, finding in looked if not force and finding is not Finding.PUBLISHED]
        if late:
            names = " and ".join(row.record for row in late)
            raise InvalidName(
                "no record", text=f"The DNS does not have the right record at {names}"
            )
        return "The new keys sign from now on. Leave the old records until those keys are retired."

    return act(request, number, do, to=_PAGE)


@for_administrators
@require_POST
def discard(request: HttpRequest, powers: Powers, number: int) -> HttpResponseBase:
    """Drop keys that wait for their records."""

    def do() -> str:
        sending.discard_keys(powers=powers, domain_id=number)
        return "The keys that waited are gone. If you published their records, remove those."

    return act(request, number, do, to=_PAGE)


@for_administrators
@require_POST
def limits(request: HttpRequest, powers: Powers, number: int) -> HttpResponseBase:
    """Say how much the domain may send."""
    domain = demand_or_refuse(powers, number, Ability.SET_LIMITS)
    form = LimitsForm(request.POST, limit=limit_of(domain))
    if not form.is_valid():
        return sending_page(request, powers, domain, status=422, limits=form)

    def do() -> str:
        changes = {name: form.cleaned_data[name] for name in form.touched}
        if changes:
            sending.set_limits(powers=powers, domain_id=number, changes=changes)
        return "These limits count from now on."

    return act(request, number, do, to=_PAGE)


@for_administrators
@require_POST
def sts(request: HttpRequest, powers: Powers, number: int) -> HttpResponseBase:
    """Say what the domain's MTA-STS policy asks of other servers."""
    try:
        mode = StsMode(request.POST.get("mode", ""))
    except ValueError:
        raise Http404 from None

    def do() -> str:
        doors.set_sts(powers=powers, domain_id=number, mode=mode)
        dnschecks.request(powers=powers, domain_id=number)
        return "The policy is changed. Its TXT record changes with it: see DNS."

    return act(request, number, do, to=_PAGE)


@for_administrators
@recently_proved
@require_POST
def smarthost(request: HttpRequest, powers: Powers, number: int) -> HttpResponseBase:
    """Send the domain's mail by another server, or no more."""
    domain = _operators(powers, number)
    if request.POST.get("act") == "remove":
        try:
            with transaction.atomic():
                changed = servers.remove_smarthost(powers=powers, domain_id=number)
                kept = _keep(request, changed)
        except MailError as error:
            messages.error(request, f"{error.reply.text}.")
        else:
            words = "Mail of this domain goes as that of any other."
            messages.success(request, words, extra_tags=f"back:{kept.pk}")
        return redirect(_PAGE, number)
    form = ServerForm.of(servers_of(domain).get("sender"), request.POST)
    if not form.is_valid():
        return sending_page(request, powers, domain, status=422, smarthost_form=form)
    try:
        with transaction.atomic():
            changed = servers.set_smarthost(powers=powers, domain_id=number, server=form.server())
            kept = _keep(request, changed)
    except InvalidName as error:
        form.add_error(_field(error), f"{error.reply.text}.")
        return sending_page(request, powers, domain, status=422, smarthost_form=form)
    words = "Mail of this domain goes by that server."
    messages.success(request, words, extra_tags=f"back:{kept.pk}")
    return redirect(_PAGE, number)


def _keep(request: HttpRequest, changed: Changed) -> BulkAct:
    before = undoing.kept(changed, scope=TransportScope.SENDER)
    return bulkacts.keep(user=administrator(request), what="policy.transport", before=before)


@for_administrators
@recently_proved
@require_POST
def relay(request: HttpRequest, powers: Powers, number: int) -> HttpResponseBase:
    """Hand mail for the domain on to another server, or no more."""
    domain = _operators(powers, number)
    if request.POST.get("act") == "remove":

        def remove() -> str:
            servers.set_relay(powers=powers, domain_id=number, check=None)
            return "All mailboxes of this domain are here."

        return act(request, number, remove, to=_PAGE)
    form = ServerForm.of(servers_of(domain).get("recipient"), request.POST)
    known = request.POST.get("check", "")
    if known not in RelayCheck.values:
        raise Http404
    if not form.is_valid():
        return sending_page(request, powers, domain, status=422, relay_form=form)
    check, server = RelayCheck(known), form.server()
    try:
        servers.set_relay(powers=powers, domain_id=number, check=check, server=server)
    except InvalidName as error:
        form.add_error(_field(error), f"{error.reply.text}.")
        return sending_page(request, powers, domain, status=422, relay_form=form)
    return act(request, number, lambda: "Mail for this domain is handed on.", to=_PAGE)


def _operators(powers: Powers, number: int) -> Domain:
    return demand_or_refuse(powers, number, Ability.MAKE_OPERATORS)


def _field(error: InvalidName) -> str:
    """The field that a refusal of a server is about."""
    if error.detail in ("half a login", "login"):
        return "username"
    return "tls" if error.detail.startswith("password with tls") else "host"
