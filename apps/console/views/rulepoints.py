"""What the filter's rules count, for operators."""

import math

from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect
from django.views.decorators.http import require_http_methods

from apps.console.admission import for_administrators
from apps.console.policies.undoing import kept
from apps.console.services import bulkacts
from apps.console.typed import typed
from apps.console.views.pages import administrator, say_undoable, show
from apps.directory.permissions import Powers
from apps.provisioning.administration import policies as doors
from apps.scan import queries
from apps.wire.errors import MailError


@for_administrators
@require_http_methods(["GET", "HEAD", "POST"])
def page(request: HttpRequest, powers: Powers) -> HttpResponseBase:
    """All rules; setting one, and letting it count what is usual."""
    if not powers.is_operator:
        raise Http404
    if request.method != "POST":
        return _page(request, powers)
    rule, text = _text(request, "rule"), _text(request, "points")
    points = None if "usual" in request.POST else _number(text)
    try:
        with transaction.atomic():
            changed = doors.set_points(powers=powers, rule=rule, points=points)
            act = bulkacts.keep(
                user=administrator(request), what="policy.points", before=kept(changed)
            )
    except MailError as error:
        status = 422 if error.http_status == 400 else error.http_status
        return _page(request, powers, f"{error.reply.text}.", status)
    words = f"What {rule} counts is changed."
    say_undoable(request, words, act.pk)
    return redirect("console-policies-rules")


def _number(text: str) -> float:
    """What somebody wrote; not a number for anything else, which the door refuses in words."""
    try:
        return float(text.replace(",", "."))
    except ValueError:
        return math.nan


def _text(request: HttpRequest, name: str) -> str:
    return typed(request.POST.dict(), name, 100)


def _page(
    request: HttpRequest, powers: Powers, trouble: str = "", status: int = 200
) -> HttpResponse:
    text = typed(request.GET.dict(), "text", 100)
    folded = text.casefold()
    rows = [
        row
        for row in queries.rule_points()
        if folded in row.rule.casefold() or folded in row.means.casefold()
    ]
    set_here = {row.rule for row in rows if row.usual != f"{row.points:g}" and not _varies(row)}
    context = {
        "rows": [(row, row.rule in set_here) for row in rows],
        "text": text,
        "sent": {name: _text(request, name) for name in ("rule", "points")},
        "trouble": trouble,
        "nav": "policies",
    }
    return show(request, powers, "policies-rules.html", context, status)


def _varies(row: queries.PointsRow) -> bool:
    """Whether it counts what is usual of a rule whose points vary."""
    return row.usual.startswith(f"{row.points:g} to ")
