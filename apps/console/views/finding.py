"""Finding a user, a domain, an alias or a page of the console by a few letters."""

from django.http import HttpRequest, HttpResponseBase, JsonResponse
from django.views.decorators.http import require_http_methods

from apps.console.admission import for_administrators
from apps.console.filters import MAX_TEXT
from apps.console.finding import found
from apps.console.typed import typed
from apps.console.views.pages import show
from apps.directory.permissions import Powers
from apps.ui.answers import wants_page


@for_administrators
@require_http_methods(["GET", "HEAD"])
def find(request: HttpRequest, powers: Powers) -> HttpResponseBase:
    """A page with what was found; for the palette the same as JSON."""
    text = typed(request.GET.dict(), "q", MAX_TEXT)
    results = found(powers, text)
    if not wants_page(request):
        return JsonResponse({"found": [result.as_json() for result in results]})
    return show(request, powers, "find.html", {"text": text, "results": results, "nav": "find"})
