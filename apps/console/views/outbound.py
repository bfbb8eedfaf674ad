"""Which ways mail takes to other servers, for operators: TLS that is demanded, and transports."""

from typing import Any, Final

from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect
from django.views.decorators.http import require_http_methods

from apps.console.admission import for_administrators
from apps.console.policies.undoing import kept
from apps.console.services import bulkacts
from apps.console.typed import typed
from apps.console.views.pages import administrator, say_undoable, show
from apps.directory.models import TransportProtocol, TransportScope, TransportTls
from apps.directory.permissions import Powers
from apps.directory.services.transports import Server
from apps.provisioning import queries as directory
from apps.provisioning.administration import outbound as doors
from apps.remote import queries
from apps.remote.models import TlsMode
from apps.ui.proving import recently_proved
from apps.wire.errors import InvalidName, MailError
from apps.wire.numbers import whole_number

MOST_NAMES: Final = 20
MOST_TEXT: Final = 10_000  # characters of them
_MODES: Final = {
    TlsMode.NONE: "Never TLS",
    TlsMode.OPPORTUNISTIC: "TLS if it works",
    TlsMode.ENCRYPT: "TLS, whoever answers",
    TlsMode.VERIFY: "TLS with a trusted certificate",
    TlsMode.DANE: "DANE or nothing",
}
_SCOPES: Final = {
    TransportScope.RECIPIENT: "Mail to a domain",
    TransportScope.SENDER: "Mail from a domain of ours",
    TransportScope.ALL: "All mail to other servers",
}
_TLS: Final = {
    TransportTls.NONE: "Never TLS",
    TransportTls.OPPORTUNISTIC: "TLS if it works",
    TransportTls.ENCRYPT: "TLS, whoever answers",
    TransportTls.VERIFY: "TLS with a trusted certificate",
    TransportTls.IMPLICIT: "TLS from the first octet, trusted",
}
_FIELDS: Final = ("scope", "domain", "host", "port", "protocol", "tls", "username")


@for_administrators
@require_http_methods(["GET", "HEAD", "POST"])
def tls(request: HttpRequest, powers: Powers) -> HttpResponseBase:
    """What TLS mail to some domains must have."""
    if not powers.is_operator:
        raise Http404
    if request.method != "POST":
        return _tls(request, powers)
    domain = _text(request, "domain")
    try:
        with transaction.atomic():
            if request.POST.get("act") == "remove":
                changed = doors.remove_tls(powers=powers, domain=domain)
                words = f"{changed.name} says itself again what TLS it has."
            else:
                changed = doors.set_tls(
                    powers=powers,
                    domain=domain,
                    mode=TlsMode(_chosen(request, "mode", TlsMode.values)),
                    names=_names(request),
                )
                words = f"TLS of mail to {changed.name} is set."
            act = bulkacts.keep(
                user=administrator(request), what="policy.tls", before=kept(changed)
            )
    except MailError as error:
        return _tls(request, powers, f"{error.reply.text}.", _status(error))
    say_undoable(request, words, act.pk)
    return redirect("console-policies-tls")


def _names(request: HttpRequest) -> list[str]:
    """All that were written: one left out would be a certificate that is not taken."""
    found = typed(request.POST.dict(), "names", MOST_TEXT).replace(",", " ").split()
    if len(found) > MOST_NAMES:
        raise InvalidName(f"{len(found)} names", text=f"At most {MOST_NAMES} names")
    return found


def _tls(
    request: HttpRequest, powers: Powers, trouble: str = "", status: int = 200
) -> HttpResponse:
    context = {
        "rows": [(one, _MODES[one.mode], " ".join(one.names)) for one in queries.overrides()],
        "modes": _choices(_MODES),
        "sent": {name: _text(request, name) for name in ("domain", "mode", "names")},
        "trouble": trouble,
        "nav": "policies",
    }
    return show(request, powers, "policies-tls.html", context, status)


@for_administrators
@recently_proved
@require_http_methods(["GET", "HEAD", "POST"])
def transports(request: HttpRequest, powers: Powers) -> HttpResponseBase:
    """Servers to which mail is handed instead of those that MX records name."""
    if not powers.is_operator:
        raise Http404
    if request.method != "POST":
        return _transports(request, powers)
    scope = TransportScope(_chosen(request, "scope", TransportScope.values))
    domain = "" if scope == TransportScope.ALL else _text(request, "domain")
    try:
        with transaction.atomic():
            if request.POST.get("act") == "remove":
                changed = doors.remove_transport(powers=powers, scope=scope, domain=domain)
                words = "The transport is removed. Mail that waits for it is routed anew."
            else:
                changed = doors.set_transport(
                    powers=powers, scope=scope, domain=domain, server=_server(request)
                )
                words = f"The transport to {changed.now['host']} is set."
            act = bulkacts.keep(
                user=administrator(request),
                what="policy.transport",
                before=kept(changed, scope=scope),
            )
    except MailError as error:
        return _transports(request, powers, f"{error.reply.text}.", _status(error))
    say_undoable(request, words, act.pk)
    return redirect("console-policies-transports")


def _server(request: HttpRequest) -> Server:
    port = _text(request, "port")
    number = whole_number(port, 99_999)
    return Server(
        host=_text(request, "host"),
        port=(-1 if number is None else number) if port else None,
        protocol=TransportProtocol(_chosen(request, "protocol", TransportProtocol.values, "smtp")),
        tls=TransportTls(found)
        if (found := _text(request, "tls")) in TransportTls.values
        else None,
        username=_text(request, "username"),
        password=request.POST.get("password", ""),
    )


def _transports(
    request: HttpRequest, powers: Powers, trouble: str = "", status: int = 200
) -> HttpResponse:
    context = {
        "rows": [
            (one, _SCOPES[TransportScope(one.scope)], _TLS[TransportTls(one.tls)])
            for one in directory.transports()
        ],
        "scopes": _choices(_SCOPES),
        "tls": _choices(_TLS),
        "sent": {name: _text(request, name) for name in _FIELDS},
        "trouble": trouble,
        "nav": "policies",
    }
    return show(request, powers, "policies-transports.html", context, status)


def _choices(words: Any) -> list[tuple[str, str]]:
    return [(value.value, text) for value, text in words.items()]


def _chosen(request: HttpRequest, name: str, values: list[str], usual: str = "") -> str:
    """One of the choices of the form; nobody who uses it sends anything else."""
    text = request.POST.get(name, usual)
    if text not in values:
        raise Http404
    return text


def _text(request: HttpRequest, name: str) -> str:
    return typed(request.POST.dict(), name, 1_000)


def _status(error: MailError) -> int:
    return 422 if error.http_status == 400 else error.http_status
