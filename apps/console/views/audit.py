"""The audit log, as far as one's powers reach."""

from datetime import timedelta

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponseBase
from django.utils import timezone
from django.views.decorators.http import require_http_methods

from apps.console.admission import for_administrators
from apps.console.auditlog import Asked, acts, sorts
from apps.console.views.pages import export_link, show
from apps.directory.permissions import Ability, Powers
from apps.wire.numbers import whole_number

_PERIODS = (("Today", 0), ("7 days", 6), ("30 days", 29))


@for_administrators
@require_http_methods(["GET", "HEAD"])
def log(request: HttpRequest, powers: Powers) -> HttpResponseBase:
    """A page of acts, newest first."""
    if not powers.may(Ability.READ_AUDIT):
        raise Http404
    asked = Asked.of(request.GET.dict())
    if asked.after and whole_number(asked.after) is None:
        raise Http404
    today = timezone.now().date()
    context = {
        "page": acts(powers, asked),
        "wanted": asked,
        "errors": asked.errors,
        "sorts": sorts(asked.action),
        "periods": [
            (words, asked.link(since=str(today - timedelta(days=days)), until=str(today)))
            for words, days in _PERIODS
        ],
        "export": export_link("audit", asked),
        "kept_days": settings.AUDIT_DAYS,
        "nav": "audit",
    }
    return show(request, powers, "audit.html", context, 422 if asked.errors else 200)
