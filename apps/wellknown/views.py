"""What other mail servers and mail programs are told. None of it says whether an address exists:
what is said of a domain is the same for every name in it."""

from typing import Final

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.http.request import split_domain_port
from django.views.decorators.csrf import csrf_exempt

from apps.directory import stspolicies
from apps.mime.address import Address, AddressError, normalise_domain
from apps.ui.serversettings import servers
from apps.wellknown import autodiscovery, paths
from apps.wellknown.clientconfig import client_config
from apps.wellknown.hosting import has_mailboxes

_STS: Final = "mta-sts."
_CONFIG: Final = "autoconfig."
_DISCOVER: Final = "autodiscover."
_READS: Final = frozenset({"GET", "HEAD"})
_XML: Final = "application/xml; charset=utf-8"
_LONGEST: Final = 1024  # octets of a Host header, or characters of an address


def sts_policy(request: HttpRequest) -> HttpResponse:
    """The MTA-STS policy of a domain (RFC 8461 s3.3): over HTTPS, at mta-sts.<domain> alone."""
    host = _host(request)
    if request.method not in _READS or not request.is_secure() or not host.startswith(_STS):
        return _not_found()
    policy = stspolicies.published(host.removeprefix(_STS))
    if policy is None:
        return _not_found()
    return HttpResponse(policy.text, content_type="text/plain; charset=utf-8")


def autoconfig(request: HttpRequest) -> HttpResponse:
    """The settings of a domain as Thunderbird and others ask for them. It also asks in the clear:
    nothing in the answer is a secret, and who can change it on its way can change the DNS too."""
    if request.method not in _READS:
        return _not_found()
    domain = _domain_of(request.GET.get("emailaddress", "")) or _host(request).removeprefix(_CONFIG)
    if not domain or not has_mailboxes(domain):
        return _not_found()
    return HttpResponse(client_config(domain, servers()), content_type="text/xml; charset=utf-8")


@csrf_exempt
def autodiscover(request: HttpRequest) -> HttpResponse:
    """The settings of an address as Outlook asks for them: POX autodiscover ([MS-OXDSCLI])."""
    host = _host(request)
    if not request.is_secure():
        return _to_https(request, host)
    if request.method != "POST":
        return _not_found()
    try:
        address = autodiscovery.asked(request.read(autodiscovery.LARGEST + 1))
    except autodiscovery.RequestError as error:
        if not _is_for_autodiscovery(host):
            return _not_found()
        return HttpResponse(autodiscovery.refusal(error), content_type=_XML)
    if not (_is_for_autodiscovery(host) or host == address.domain):
        return _not_found()
    if not has_mailboxes(address.domain):
        return _not_found()
    return HttpResponse(autodiscovery.answer(address, servers()), content_type=_XML)


def _to_https(request: HttpRequest, host: str) -> HttpResponse:
    """Outlook asks autodiscover.<domain> in the clear where it finds no certificate for that name,
    and follows to one that has it. Always to our own name, never to the one that was said."""
    if request.method not in _READS or not host.startswith(_DISCOVER):
        return _not_found()
    where = f"https://{settings.MAIL_HOSTNAME}{paths.AUTODISCOVER}"
    return HttpResponse(status=302, headers={"Location": where})


def _is_for_autodiscovery(host: str) -> bool:
    return host.startswith(_DISCOVER) or host == settings.MAIL_HOSTNAME


def _host(request: HttpRequest) -> str:
    """The name that was asked for, without a port, in A-labels; "" for what is none. It is looked
    up, and stands in no answer."""
    raw = str(request.META.get("HTTP_HOST", ""))[:_LONGEST]
    return _domain(split_domain_port(raw)[0])


def _domain_of(address: str) -> str:
    """The domain of an address that a program sends along, "" if it is none. Some send the name of
    a domain with a placeholder before it."""
    if not 0 < len(address) <= _LONGEST:
        return ""
    try:
        return Address.parse(address).domain
    except AddressError:
        return ""


def _domain(name: str) -> str:
    try:
        return normalise_domain(name)
    except AddressError:
        return ""


def _not_found() -> HttpResponse:
    return HttpResponse("Not found.\n", status=404, content_type="text/plain; charset=utf-8")
