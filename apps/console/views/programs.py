"""Mail programs that people may let in by a page of ours, in place of a password (OAuth 2.0). Who
runs the installation registers them."""

from typing import Any, Final

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect
from django.views.decorators.http import require_http_methods

from apps.console.admission import for_administrators
from apps.console.programforms import ProgramForm
from apps.console.views.pages import show
from apps.directory import oauth
from apps.directory.apppasswords import PROTOCOLS
from apps.directory.oauth import KnownClient
from apps.directory.permissions import Ability, Powers
from apps.directory.services import oauthclients
from apps.ui import formnumbers
from apps.ui.addresses import absolute
from apps.ui.proving import ask, is_recent
from apps.wire.errors import MailError, NotFound

TWICE: Final = (
    "This form was sent before, and its program is in the list already. Its secret is not shown"
    " again: remove the program if you have not kept it, and add it anew."
)
_FIELDS: Final = {"name": "name", "redirects": "redirects", "scopes": "scopes"}


@for_administrators
@require_http_methods(["GET", "HEAD"])
def listing(request: HttpRequest, powers: Powers) -> HttpResponse:
    """All of them."""
    _demand_operator(powers)
    return _page(request, powers, "programs.html", {"programs": oauth.of_installation()})


@for_administrators
@require_http_methods(["GET", "HEAD", "POST"])
def add(request: HttpRequest, powers: Powers) -> HttpResponseBase:
    """Register one; its key, and its secret if it has one, stand in the answer."""
    _demand_operator(powers)
    if not is_recent(request):
        return ask(request)
    form = ProgramForm(request.POST or None, initial={"scopes": ["imap", "smtp"]})
    if form.is_valid():
        if formnumbers.is_used(request):
            form.add_error(None, TWICE)
        elif (made := _made(request, powers, form)) is not None:
            return made
    context = {"form": form, "number": formnumbers.number(), "protocols": PROTOCOLS}
    return _page(request, powers, "program-add.html", context, 422 if form.errors else 200)


def _made(request: HttpRequest, powers: Powers, form: ProgramForm) -> HttpResponse | None:
    data = form.cleaned_data
    try:
        row, secret = oauthclients.register(
            name=data["name"],
            redirects_to=data["redirects"],
            scopes=data["scopes"],
            has_secret=data["has_secret"],
        )
    except MailError as error:
        form.add_error(_FIELDS.get(error.detail), f"{error.reply.text}.")
        return None
    formnumbers.use_up(request)
    context = {"program": oauth.known(row), "secret": secret, "places": _places()}
    return _page(request, powers, "program-made.html", context)


def _places() -> list[tuple[str, str]]:
    """What the program has to know of us."""
    return [
        ("Asks people at", absolute("oauth-authorize")),
        ("Gets tokens at", absolute("api-oauth-token")),
        ("Finds all that at", absolute("api-oauth-metadata")),
    ]


@for_administrators
@require_http_methods(["GET", "HEAD", "POST"])
def remove(request: HttpRequest, powers: Powers, number: int) -> HttpResponseBase:
    """Ask, and remove one."""
    _demand_operator(powers)
    program = _found(number)
    if request.method != "POST":
        return _page(request, powers, "program-remove.html", {"program": program})
    try:
        oauthclients.remove(client_id=program.id)
    except NotFound:  # meanwhile, in another window
        raise Http404 from None
    messages.success(request, f"{program.name} is removed, and signed out.")
    return redirect("console-programs")


def _found(number: int) -> KnownClient:
    for one in oauth.of_installation():
        if one.id == number:
            return one
    raise Http404


def _demand_operator(powers: Powers) -> None:
    """A program may be let in by anybody here: so it is the installation's."""
    if not powers.may(Ability.MAKE_OPERATORS):
        raise Http404


def _page(
    request: HttpRequest, powers: Powers, template: str, context: dict[str, Any], status: int = 200
) -> HttpResponse:
    return show(request, powers, template, {"nav": "programs", **context}, status)
