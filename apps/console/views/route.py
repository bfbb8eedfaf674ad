"""Where mail for an address would go."""

from django.http import HttpRequest, HttpResponseBase
from django.views.decorators.http import require_http_methods

from apps.console.addresses.waystops import drawn
from apps.console.admission import for_administrators
from apps.console.filters import MAX_TEXT
from apps.console.typed import typed
from apps.console.views.pages import show
from apps.directory.permissions import Powers
from apps.provisioning.administration import whereto
from apps.wire.errors import MailError


@for_administrators
@require_http_methods(["GET", "HEAD"])
def route(request: HttpRequest, powers: Powers) -> HttpResponseBase:
    """The steps, as a path; without an address the question alone."""
    text = typed(request.GET.dict(), "address", MAX_TEXT)
    context: dict[str, object] = {"text": text, "nav": "aliases"}
    status = 200
    if text:
        try:
            way = whereto.way(powers, text)
            context |= {"way": way, "stops": drawn(way)}
        except MailError as error:
            context["trouble"], status = f"{error.reply.text}.", 422
    return show(request, powers, "route.html", context, status)
