"""What the tabs of a domain and its acts have in common."""

from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect

from apps.console.domains.domainpage import overview
from apps.console.views.pages import show
from apps.directory.models import Domain
from apps.directory.permissions import Ability, Powers
from apps.provisioning.administration.sight import find_domain
from apps.wire.errors import MailError, NotFound, NotPermitted


def domain_in_sight(powers: Powers, number: int, ability: Ability | None = None) -> Domain:
    """A domain by its id, in which that may be done; raise Http404 for what is not there, and for
    what is another's."""
    try:
        domain = find_domain(powers, number)
    except NotFound:
        raise Http404 from None
    if ability is not None and not powers.may(ability, domain):
        raise Http404
    return domain


def demand_or_refuse(powers: Powers, number: int, ability: Ability) -> Domain:
    """A domain by its id; raise PermissionDenied if it is in sight, but that may not be done."""
    domain = domain_in_sight(powers, number)
    if not powers.may(ability, domain):
        raise PermissionDenied(f"Your role does not let you {ability.value} here")
    return domain


def tab(
    request: HttpRequest,
    powers: Powers,
    domain: Domain,
    name: str,
    context: dict[str, Any],
    *,
    trouble: str = "",
    status: int = 200,
) -> HttpResponse:
    """One of a domain's pages: `domain-<name>.html`, with the head that they all have."""
    frame = {"one": overview(powers, domain), "tab": name, "trouble": trouble, "nav": "domains"}
    return show(request, powers, f"domain-{name}.html", {**frame, **context}, status)


def act(
    request: HttpRequest,
    number: int,
    do: Callable[[], str],
    *,
    to: str,
) -> HttpResponse:
    """Do something to a domain and say so on the page that it was asked on; refused with its
    status if the role does not let one, else with its reason there."""
    try:
        messages.success(request, do())
    except NotFound as error:
        if error.detail == f"domain {number}":
            raise Http404 from None
        messages.error(request, f"{error.reply.text}.")
    except NotPermitted as error:
        raise PermissionDenied(error.reply.text) from None
    except MailError as error:
        messages.error(request, f"{error.reply.text}.")
    return redirect(to, number)
