"""The other tabs of a domain: its users, its policies, what others report of it."""

from typing import Final

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect
from django.views.decorators.http import require_http_methods

from apps.console.admission import for_administrators
from apps.console.domains.domainpage import USERS, first_users
from apps.console.domains.forms import PoliciesForm
from apps.console.views.domainsframe import domain_in_sight, tab
from apps.directory.models import Domain
from apps.directory.permissions import Ability, Powers
from apps.provisioning.administration import domains as doors
from apps.reports import queries as reports
from apps.reports.models import ReportKind
from apps.wire.errors import MailError, NotFound

REPORT_DAYS: Final = 30
SOURCES: Final = 50
REPORTS: Final = 20


@for_administrators
@require_http_methods(["GET", "HEAD"])
def users(request: HttpRequest, powers: Powers, number: int) -> HttpResponseBase:
    """The first users, and the way to all of them."""
    domain = domain_in_sight(powers, number, Ability.SEE_USERS)
    found = first_users(powers, domain)
    return tab(request, powers, domain, "users", {"found": found, "most": USERS})


@for_administrators
@require_http_methods(["GET", "HEAD", "POST"])
def policies(request: HttpRequest, powers: Powers, number: int) -> HttpResponseBase:
    """How the domain takes mail and lets people in."""
    domain = domain_in_sight(powers, number, Ability.CHANGE_POLICIES)
    if request.method != "POST":
        return _policies(request, powers, domain, PoliciesForm.of(domain))
    form = PoliciesForm.of(domain, request.POST)
    if not form.is_valid():
        return _policies(request, powers, domain, form, status=422)
    try:
        if changes := form.changes():
            doors.change_policies(powers=powers, domain_id=domain.pk, **changes)
    except NotFound:
        raise Http404 from None
    except MailError as error:
        status = error.http_status
        return _policies(
            request, powers, domain, form, trouble=f"{error.reply.text}.", status=status
        )
    messages.success(request, f"{domain.name} is changed.")
    return redirect("console-domain-policies", domain.pk)


def _policies(
    request: HttpRequest,
    powers: Powers,
    domain: Domain,
    form: PoliciesForm,
    *,
    trouble: str = "",
    status: int = 200,
) -> HttpResponse:
    return tab(request, powers, domain, "policies", {"form": form}, trouble=trouble, status=status)


@for_administrators
@require_http_methods(["GET", "HEAD"])
def received(request: HttpRequest, powers: Powers, number: int) -> HttpResponseBase:
    """Who sent mail in the domain's name, by what others report."""
    domain = domain_in_sight(powers, number, Ability.CHANGE_POLICIES)
    context = {
        "sources": list(reports.sources(domain.name, days=REPORT_DAYS, limit=SOURCES)),
        "reports": list(
            reports.received(
                days=REPORT_DAYS, kind=ReportKind.DMARC, domain=domain.name, limit=REPORTS
            )
        ),
        "days": REPORT_DAYS,
    }
    return tab(request, powers, domain, "reports", context)
