"""What is done to a domain as a whole. Each act asks its door, which asks the powers again."""

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect
from django.views.decorators.http import require_http_methods, require_POST

from apps.console.admission import for_administrators
from apps.console.domains.bulk import STATES
from apps.console.domains.domainlist import CHOICES
from apps.console.domains.domainpage import contents
from apps.console.domains.renaming import ending, follows, people
from apps.console.typed import typed
from apps.console.views.domainsframe import act, domain_in_sight, tab
from apps.directory import permissions
from apps.directory.models import Domain
from apps.directory.permissions import Ability, Powers
from apps.directory.services.domains import domain_name
from apps.mime.address import AddressError, normalise_domain
from apps.provisioning.administration import domains as doors
from apps.provisioning.services import KEEP_DAYS
from apps.ui.proving import recently_proved
from apps.wire.errors import MailError, NotFound

_MAX_NAME = 253


@for_administrators
@require_POST
def state(request: HttpRequest, powers: Powers, number: int) -> HttpResponseBase:
    """Suspend, lock or resume."""
    wanted = STATES.get(request.POST.get("to", ""))
    if wanted is None:
        raise Http404
    to, word = wanted

    def do() -> str:
        domain = doors.set_state(powers=powers, domain_id=number, state=to)
        return f"{domain.name} is {word}."

    return act(request, number, do, to="console-domain")


@for_administrators
@recently_proved
@require_http_methods(["GET", "HEAD", "POST"])
def rename(request: HttpRequest, powers: Powers, number: int) -> HttpResponseBase:
    """Ask for another name, and give it."""
    domain = domain_in_sight(powers, number, Ability.REMOVE_DOMAINS)
    if request.method != "POST":
        return _rename_page(request, powers, domain)
    keeps_old = request.POST.get("keeps_alias") == "1"
    try:
        name = domain_name(_text(request, "name"))
        ends = ending(powers, domain, name, keeps_old=keeps_old)
        if request.POST.get("ends", "0") != str(ends):
            return _rename_page(request, powers, domain, ends=ends)
        done = doors.rename(powers=powers, domain_id=number, name=name, keeps_alias=keeps_old)
    except NotFound:
        raise Http404 from None
    except MailError as error:
        return _rename_page(request, powers, domain, trouble=error)
    words = f"{done.before} is {done.domain.name} now. Its records come next: the keys are others."
    if ends:
        words += f" {people(ends)} no recovery address that works any more."
    messages.success(request, words)
    return redirect("console-domain", number)


def _rename_page(
    request: HttpRequest,
    powers: Powers,
    domain: Domain,
    *,
    trouble: MailError | None = None,
    ends: int = 0,
) -> HttpResponse:
    """The form; with `ends` the question whether so many recovery addresses shall end."""
    context = {
        "contents": contents(domain),
        "follows": follows(powers, domain),
        "ends": ends,
        "name": _text(request, "name"),
        "keeps_alias": request.method != "POST" or request.POST.get("keeps_alias") == "1",
        "error": "" if trouble is None else f"{trouble.reply.text}.",
    }
    status = 422 if request.method == "POST" else 200
    if trouble is not None:
        status = _status(trouble)
    return tab(request, powers, domain, "rename", context, status=status)


@for_administrators
@require_http_methods(["GET", "HEAD", "POST"])
def copy(request: HttpRequest, powers: Powers, number: int) -> HttpResponseBase:
    """Ask from which domain, and copy its settings."""
    domain = domain_in_sight(powers, number, Ability.CHANGE_POLICIES)
    error, source = "", _text(request, "source")
    status = 200
    if request.method == "POST":
        try:
            doors.copy_settings(powers=powers, domain_id=number, source=source)
        except MailError as trouble:
            error, status = f"{trouble.reply.text}.", _status(trouble)
        else:
            messages.success(request, f"{domain.name} has the settings of {source} now.")
            return redirect("console-domain-policies", number)
    others = permissions.domains(powers, Ability.CHANGE_POLICIES).filter(alias_of=None)
    names = others.exclude(pk=number).order_by("name").values_list("name", flat=True)[:CHOICES]
    context = {"names": names, "source": source, "error": error}
    return tab(request, powers, domain, "copy", context, status=status)


@for_administrators
@recently_proved
@require_http_methods(["GET", "HEAD", "POST"])
def remove(request: HttpRequest, powers: Powers, number: int) -> HttpResponseBase:
    """Say what goes, ask for the name, and stop hosting the domain."""
    domain = domain_in_sight(powers, number, Ability.REMOVE_DOMAINS)
    if request.method != "POST":
        return _remove_page(request, powers, domain)
    if not _is_name(domain, _text(request, "name")):
        return _remove_page(request, powers, domain, error="That is not the name of this domain.")
    try:
        doors.remove(powers=powers, domain_id=number, force=True)
    except NotFound:
        raise Http404 from None
    except MailError as error:
        return _remove_page(
            request, powers, domain, error=f"{error.reply.text}.", status=_status(error)
        )
    messages.success(request, f"{domain.name} is removed.")
    return redirect("console-domains")


def _remove_page(
    request: HttpRequest, powers: Powers, domain: Domain, *, error: str = "", status: int = 422
) -> HttpResponse:
    context = {"contents": contents(domain), "error": error, "days": KEEP_DAYS}
    return tab(request, powers, domain, "remove", context, status=status if error else 200)


def _is_name(domain: Domain, text: str) -> bool:
    try:
        return normalise_domain(text) == domain.name
    except AddressError:
        return False


def _status(error: MailError) -> int:
    """422 for what can be typed otherwise."""
    return 403 if error.http_status == 403 else 422


def _text(request: HttpRequest, name: str) -> str:
    return typed(request.POST.dict(), name, _MAX_NAME)
