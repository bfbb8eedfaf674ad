"""The audit log, as far as one's powers reach."""

from django.http import Http404, HttpRequest, HttpResponseBase
from django.views.decorators.http import require_http_methods

from apps.audit import queries
from apps.console.admission import for_administrators
from apps.console.views.pages import show
from apps.directory.permissions import Ability, Powers, audit_scope

_MAX_TEXT = 320


@for_administrators
@require_http_methods(["GET", "HEAD"])
def log(request: HttpRequest, powers: Powers) -> HttpResponseBase:
    """A page of acts, newest first."""
    if not powers.may(Ability.READ_AUDIT):
        raise Http404
    asked = {name: _text(request, name) for name in ("actor", "subject", "action")}
    before = request.GET.get("before", "")
    if before and not (before.isascii() and before.isdigit() and len(before) < 19):
        raise Http404
    found = queries.page(
        queries.Wanted(actor=asked["actor"], subject=asked["subject"], action=asked["action"]),
        scope=audit_scope(powers),
        before=int(before) if before else None,
    )
    context = {"found": found, "asked": asked, "before": before, "nav": "audit"}
    return show(request, powers, "audit.html", context)


def _text(request: HttpRequest, name: str) -> str:
    return request.GET.get(name, "").replace("\0", "").strip()[:_MAX_TEXT]
