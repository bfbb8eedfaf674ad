"""The DNS of a domain: how its records stand, and having them looked at."""

from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.views.decorators.http import require_http_methods, require_POST

from apps.console.admission import for_administrators
from apps.console.domains.dnsrecords import as_text, records
from apps.console.domains.domainpage import overview
from apps.console.typed import typed
from apps.console.views.domainsframe import act, domain_in_sight, tab
from apps.console.views.pages import show
from apps.directory.models import Domain
from apps.directory.permissions import Powers
from apps.dnscheck import queries
from apps.dnscheck.zonefile import zone_file
from apps.mime.address import display_domain
from apps.provisioning.administration import dnschecks

_PAGE = "console-domain"


@for_administrators
@require_http_methods(["GET", "HEAD"])
def dns(request: HttpRequest, powers: Powers, number: int) -> HttpResponseBase:
    """The records; for the page itself, which asks again, the part that may have changed."""
    domain = domain_in_sight(powers, number)
    found = records(queries.report(domain))
    if request.headers.get("HX-Request"):
        part = {"one": overview(powers, domain), "records": found}
        return show(request, powers, "domain-records.html", part)
    return tab(request, powers, domain, "dns", {"records": found})


@for_administrators
@require_POST
def check(request: HttpRequest, powers: Powers, number: int) -> HttpResponseBase:
    """Have the records looked at."""

    def do() -> str:
        dnschecks.request(powers=powers, domain_id=number)
        return "The records are being looked at."

    return act(request, number, do, to=_PAGE)


@for_administrators
@require_POST
def elsewhere(request: HttpRequest, powers: Powers, number: int) -> HttpResponseBase:
    """The DNS of the domain is as it is on purpose, or no more."""
    is_elsewhere = request.POST.get("is_elsewhere") == "1"

    def do() -> str:
        dnschecks.leave_alone(powers=powers, domain_id=number, is_elsewhere=is_elsewhere)
        if is_elsewhere:
            return "This domain's records are left as they are: nobody is alarmed."
        return "This domain's records are watched again."

    return act(request, number, do, to=_PAGE)


@for_administrators
@require_POST
def leave(request: HttpRequest, powers: Powers, number: int) -> HttpResponseBase:
    """A record is as it is on purpose, or no more."""
    domain = domain_in_sight(powers, number)
    record_id = typed(request.POST.dict(), "record", 100)
    if record_id not in {one.id for one in queries.wanted(domain)}:
        raise Http404
    is_left = request.POST.get("is_left") == "1"

    def do() -> str:
        dnschecks.leave(powers=powers, domain_id=number, record_id=record_id, is_left=is_left)
        return "It is left as it is." if is_left else "It is watched again."

    return act(request, number, do, to=_PAGE)


@for_administrators
@require_http_methods(["GET", "HEAD"])
def zone(request: HttpRequest, powers: Powers, number: int) -> HttpResponseBase:
    """The records as a zone file."""
    domain = domain_in_sight(powers, number)
    return _file(zone_file(domain, queries.wanted(domain), queries.lost_host()), domain, "zone")


@for_administrators
@require_http_methods(["GET", "HEAD"])
def text(request: HttpRequest, powers: Powers, number: int) -> HttpResponseBase:
    """The records as a text, for whoever runs the domain's DNS."""
    domain = domain_in_sight(powers, number)
    return _file(as_text(display_domain(domain.name), queries.report(domain)), domain, "txt")


def _file(content: str, domain: Domain, suffix: str) -> HttpResponse:
    answer = HttpResponse(content, content_type="text/plain; charset=utf-8")
    answer["Content-Disposition"] = f'attachment; filename="{domain.name}.{suffix}"'
    return answer
