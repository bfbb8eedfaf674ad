"""Message trace: the list."""

from django.http import Http404, HttpRequest, HttpResponseBase
from django.views.decorators.http import require_http_methods

from apps.console.admission import for_administrators
from apps.console.tracelist import LAST, LOOKS, ROLES, Wanted, traces
from apps.console.views.pages import export_link, show
from apps.directory.permissions import Ability, Powers
from apps.trace.models import Direction
from apps.trace.tasks import KEEP_DAYS


@for_administrators
@require_http_methods(["GET", "HEAD"])
def listing(request: HttpRequest, powers: Powers) -> HttpResponseBase:
    """A page of it."""
    if not powers.may(Ability.TRACE_MAIL):
        raise Http404
    wanted = Wanted.of(request.GET.dict())
    problems = wanted.problems
    context = {
        "nav": "trace",
        "page": traces(powers, wanted),
        "wanted": wanted,
        "problems": problems,
        "periods": [(value, words) for value, words, _ in LAST],
        "directions": Direction.choices,
        "outcomes": [(value.value, words) for value, (_, words) in LOOKS.items()],
        "roles": ROLES,
        "export": export_link("traces", wanted),
        "kept_days": KEEP_DAYS,
    }
    return show(request, powers, "trace.html", context, 422 if problems else 200)
