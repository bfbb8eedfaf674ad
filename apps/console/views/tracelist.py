"""Message trace: the list."""

from django.http import Http404, HttpRequest, HttpResponseBase
from django.views.decorators.http import require_http_methods

from apps.console.admission import for_administrators
from apps.console.views.pages import show
from apps.directory.permissions import Ability, Powers


@for_administrators
@require_http_methods(["GET", "HEAD"])
def listing(request: HttpRequest, powers: Powers) -> HttpResponseBase:
    """A page of it."""
    if not powers.may(Ability.TRACE_MAIL):
        raise Http404
    return show(request, powers, "trace.html", {"nav": "trace"})
