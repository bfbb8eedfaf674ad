"""The list of a mailbox. It works as a plain page without script."""

from typing import Any

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_safe

from apps.mailstore import queries
from apps.mailstore.models import SpecialUse
from apps.webmail import folders as boxes
from apps.webmail.rows import days, parse_cursor, write_cursor
from apps.webmail.visitor import person
from apps.wire.errors import NotFound

PAGE = 50


@login_required
@require_safe
def home(request: HttpRequest) -> HttpResponse:
    """To the inbox."""
    return redirect("mailbox", slug=SpecialUse.INBOX)


@login_required
@require_safe
def mailbox(request: HttpRequest, slug: str) -> HttpResponse:
    """A page of a mailbox's messages, newest first."""
    context = list_context(request, slug)
    return render(request, "webmail/inbox.html", context)


def list_context(request: HttpRequest, slug: str) -> dict[str, Any]:
    """What the side and the list show."""
    user = person(request)
    found = boxes.folders(user.pk)
    try:
        folder = boxes.pick(found, slug)
    except NotFound:
        raise Http404 from None
    cursor = parse_cursor(request.GET.get("before", ""))
    rows = queries.inbox_page(folder.id, cursor, PAGE + 1)
    more = rows[PAGE - 1] if len(rows) > PAGE else None
    names = queries.keyword_names(folder.id)
    usage = queries.usage(user.pk)
    return {
        "folders": found,
        "folder": folder,
        "days": days(rows[:PAGE], names, is_sent=folder.special_use == SpecialUse.SENT),
        "is_first_page": cursor is None,
        # Reading and acting keep the page of the list that one is on.
        "page_query": f"?before={cursor[0]}-{cursor[1]}" if cursor else "",
        "older": write_cursor(more) if more else "",
        "usage": usage,
        "usage_percent": usage.percent,
    }
