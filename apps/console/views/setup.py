"""The first run: a domain, its records, the first message. For operators alone; each step is a page
of its own, and is there whenever somebody comes back."""

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect
from django.views.decorators.http import require_http_methods

from apps.console.admission import for_administrators
from apps.console.setup.forms import FirstDomainForm
from apps.console.setup.progress import Progress, bar, progress, remember, waiting
from apps.console.views.pages import administrator, show
from apps.directory.models import User
from apps.directory.permissions import Powers
from apps.dnscheck.queries import lost_host
from apps.mime.address import display_domain
from apps.provisioning.administration import dnschecks, domains, firstmessages
from apps.wire.errors import MailError

_View = Callable[[HttpRequest, Powers, Progress], HttpResponseBase]


def _for_operators(*verbs: str) -> Callable[[_View], Callable[..., HttpResponseBase]]:
    """Give a step the powers of who asks, and how far it has come; 404 for anybody else."""

    def decorate(view: _View) -> Callable[..., HttpResponseBase]:
        @for_administrators
        @require_http_methods(["GET", "HEAD", *verbs])
        @wraps(view)
        def door(request: HttpRequest, powers: Powers) -> HttpResponseBase:
            if not powers.is_operator:
                raise Http404
            return view(request, powers, progress(administrator(request)))

        return door

    return decorate


@_for_operators()
def start(request: HttpRequest, powers: Powers, found: Progress) -> HttpResponseBase:
    """To the step that is next."""
    return redirect(f"console-setup-{found.next_step()}")


@_for_operators("POST")
def domain(request: HttpRequest, powers: Powers, found: Progress) -> HttpResponseBase:
    """Host the first domain."""
    form = FirstDomainForm(request.POST or None)
    if request.method == "POST" and found.domain is not None:
        return redirect("console-setup-dns")  # sent twice, or in another window
    if request.method == "POST" and form.is_valid():
        try:
            made = domains.add(powers=powers, name=form.cleaned_data["name"])
        except MailError as error:
            form.add_error("name", f"{error.reply.text}.")
        else:
            dnschecks.request(powers=powers, domain_id=made.pk)
            messages.success(request, f"{display_domain(made.name)} is hosted here now.")
            return redirect("console-setup-dns")
    return _step(request, powers, found, "domain", {"form": form, "lost_host": lost_host()})


@_for_operators("POST")
def dns(request: HttpRequest, powers: Powers, found: Progress) -> HttpResponseBase:
    """The domain's records; POST has them looked at."""
    if found.domain is None:
        return redirect("console-setup-domain")
    if request.method == "POST":
        dnschecks.request(powers=powers, domain_id=found.domain.pk)
        return redirect("console-setup-dns")
    context = {"records": found.records()}
    if request.headers.get("HX-Request"):
        return _part(request, powers, found, "dns", context)
    return _step(request, powers, found, "dns", context)


@_for_operators("POST")
def message(request: HttpRequest, powers: Powers, found: Progress) -> HttpResponseBase:
    """Send a first message, and wait until it is there."""
    if found.domain is None:
        return redirect("console-setup-domain")
    reader = found.reader
    if request.method == "POST":
        _send(request, powers, reader)
        return redirect("console-setup-message")
    context = {
        "waiting": None if reader is None else waiting(request, reader),
        "is_own": reader is not None and reader.pk == powers.user_id,
    }
    if request.headers.get("HX-Request"):
        return _part(request, powers, found, "message", context)
    return _step(request, powers, found, "message", context)


def _send(request: HttpRequest, powers: Powers, reader: User | None) -> None:
    if reader is None:  # removed in another window: the page says what comes first
        return
    try:
        remember(request, reader, firstmessages.send(powers=powers, user_id=reader.pk))
    except MailError as error:
        messages.error(request, f"{error.reply.text}.")


@_for_operators()
def done(request: HttpRequest, powers: Powers, found: Progress) -> HttpResponseBase:
    """All is there; or what is still to do."""
    if found.domain is None:
        return redirect("console-setup-domain")
    return _step(request, powers, found, "done", {"records": found.records()})


def _step(
    request: HttpRequest, powers: Powers, found: Progress, name: str, context: dict[str, Any]
) -> HttpResponse:
    form = context.get("form")
    status = 422 if form is not None and form.errors else 200
    frame = {"steps": bar(name, found), **_named(found)}
    return show(request, powers, f"setup-{name}.html", {**frame, **context}, status)


def _part(
    request: HttpRequest, powers: Powers, found: Progress, name: str, context: dict[str, Any]
) -> HttpResponse:
    """What changes of a page that is open."""
    return show(request, powers, f"_setup_{name}.html", {**_named(found), **context})


def _named(found: Progress) -> dict[str, Any]:
    name = "" if found.domain is None else display_domain(found.domain.name)
    return {"progress": found, "name": name}
