"""Webhooks: the list, one of them with what was sent to it, and a delivery."""

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect
from django.views.decorators.http import require_http_methods

from apps.console import webhooklist
from apps.console.admission import for_administrators
from apps.console.filters import Filter
from apps.console.views.pages import show
from apps.console.webhooklist import Wanted
from apps.directory.permissions import Ability, Powers
from apps.provisioning.administration import webhooks as doors
from apps.webhooks.models import Delivery, Endpoint
from apps.wire.errors import NotFound


@for_administrators
@require_http_methods(["GET", "HEAD"])
def listing(request: HttpRequest, powers: Powers) -> HttpResponseBase:
    """All in sight."""
    if not powers.may(Ability.RUN_WEBHOOKS):
        raise Http404
    wanted = Filter.of(request.GET.dict())
    context = {"page": webhooklist.page(powers, wanted), "nav": "webhooks"}
    return show(request, powers, "webhooks.html", context)


@for_administrators
@require_http_methods(["GET", "HEAD"])
def page(request: HttpRequest, powers: Powers, number: int) -> HttpResponseBase:
    """One of them."""
    return shown(request, powers, found(powers, number))


def shown(request: HttpRequest, powers: Powers, row: Endpoint) -> HttpResponse:
    """The page of one."""
    wanted = Wanted.of(request.GET.dict())
    context = {
        "one": webhooklist.line_of(row),
        "wanted": wanted,
        "page": webhooklist.deliveries(row, wanted),
        "states": [(state.value, words) for state, (_, words) in webhooklist.STATES.items()],
        "nav": "webhooks",
    }
    return show(request, powers, "webhook.html", context)


@for_administrators
@require_http_methods(["GET", "HEAD", "POST"])
def delivery(request: HttpRequest, powers: Powers, number: int, second: int) -> HttpResponseBase:
    """A delivery; sending it once more."""
    try:
        if request.method == "POST":
            doors.send_again(powers=powers, endpoint_id=number, delivery_id=second)
            messages.success(request, "It is sent once more, within some seconds.")
            return redirect("console-webhook-delivery", number, second)
        row: Delivery = doors.find_delivery(powers, number, second)
    except NotFound:
        raise Http404 from None
    context = {
        "one": webhooklist.line_of(row.endpoint),
        "delivery": webhooklist.sending_of(row),
        "attempts": webhooklist.attempts(row),
        "payload": webhooklist.payload(row),
        "nav": "webhooks",
    }
    return show(request, powers, "webhook-delivery.html", context)


def found(powers: Powers, number: int) -> Endpoint:
    """One in sight, or 404."""
    try:
        return doors.find(powers, number)
    except NotFound:
        raise Http404 from None
