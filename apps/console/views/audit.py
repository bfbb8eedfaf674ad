"""The audit log, as far as one's powers reach."""

from datetime import timedelta

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponseBase
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_http_methods

from apps.audit import queries
from apps.audit.queries import Page
from apps.console.admission import for_administrators
from apps.console.auditlog import Asked, sorts
from apps.console.views.pages import show
from apps.directory.permissions import Ability, Powers, audit_scope

_PERIODS = (("Today", 0), ("7 days", 6), ("30 days", 29))


@for_administrators
@require_http_methods(["GET", "HEAD"])
def log(request: HttpRequest, powers: Powers) -> HttpResponseBase:
    """A page of acts, newest first."""
    if not powers.may(Ability.READ_AUDIT):
        raise Http404
    asked = Asked.of(request.GET.dict())
    before = request.GET.get("before", "")
    if before and not (before.isascii() and before.isdigit() and len(before) < 19):
        raise Http404
    errors = asked.errors
    found = Page([], None)
    if not errors:
        found = queries.page(
            asked.wanted, scope=audit_scope(powers), before=int(before) if before else None
        )
    older = asked.query(before=str(found.after)) if found.after else ""
    today = timezone.now().date()
    context = {
        "found": found,
        "asked": asked,
        "errors": errors,
        "before": before,
        "sorts": sorts(asked.action),
        "periods": [
            (words, asked.query(since=str(today - timedelta(days=days)), until=str(today)))
            for words, days in _PERIODS
        ],
        "page": {
            "query_first": asked.query() if before else "",
            "query_next": "" if found.looked_to else older,
        },
        "further": older if found.looked_to else "",
        "export": f"{reverse('console-export')}?{asked.query(kind='audit')}",
        "kept_days": settings.AUDIT_DAYS,
        "nav": "audit",
    }
    return show(request, powers, "audit.html", context, 422 if errors else 200)
