"""How the service itself stands, for operators."""

from datetime import UTC, datetime

from django.http import Http404, HttpRequest, HttpResponseBase
from django.views.decorators.http import require_http_methods

from apps.console.admission import for_administrators
from apps.console.views.pages import show
from apps.directory.permissions import Ability, Powers
from apps.provisioning.health import report


@for_administrators
@require_http_methods(["GET", "HEAD"])
def health(request: HttpRequest, powers: Powers) -> HttpResponseBase:
    """All checks in words; for its own script the part of it that changes."""
    if not powers.may(Ability.MAKE_OPERATORS):
        raise Http404
    found = report.report()
    context = {
        "found": found,
        "at": datetime.fromtimestamp(found.at, UTC),
        "worst": found.worst.name,
        "nav": "health",
    }
    is_part = request.headers.get("HX-Request") == "true"
    return show(request, powers, "_health.html" if is_part else "health.html", context)
