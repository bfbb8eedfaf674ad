"""The first page of the console: how things stand, and what to act on."""

from django.http import HttpRequest, HttpResponseBase
from django.utils import timezone
from django.views.decorators.http import require_http_methods

from apps.console.admission import for_administrators
from apps.console.mailflow import PERIODS, period
from apps.console.overview import overview
from apps.console.views.pages import show
from apps.directory.permissions import Powers
from apps.provisioning.health import report


@for_administrators
@require_http_methods(["GET", "HEAD"])
def dashboard(request: HttpRequest, powers: Powers) -> HttpResponseBase:
    """The page; for its own script the part of it that changes."""
    is_part = request.headers.get("HX-Request") == "true"
    health = None
    if powers.is_operator:
        # Looking at everything may take seconds: the page comes at once, and asks again for it.
        health = report.report() if is_part else report.lately()
    wanted = period(request.GET.get("period", ""))
    context = {
        "over": overview(powers, health, wanted),
        "at": timezone.now(),
        "nav": "dashboard",
        "period": wanted,
        "periods": PERIODS,
    }
    template = "_dashboard_live.html" if is_part else "dashboard.html"
    return show(request, powers, template, context)
