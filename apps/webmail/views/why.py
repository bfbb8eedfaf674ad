"""Why a message is here."""

from uuid import UUID

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.cache import patch_vary_headers
from django.views.decorators.http import require_safe

from apps.mailstore import queries
from apps.runtime.ulid import ulid_text
from apps.webmail.visitor import find_entry, find_folder, person
from apps.webmail.why.explaining import why as explain


@login_required
@require_safe
def why(request: HttpRequest, slug: str, uid: int) -> HttpResponse:
    """The page, or for a script the drawer alone."""
    folder = find_folder(request, slug)
    entry = find_entry(folder, uid)
    ((_, trace),) = queries.fetch_page(folder.id, [uid], ["trace_id"])
    trace_id = trace if isinstance(trace, UUID) else UUID(trace)  # SQLite keeps its hex
    shown = queries.shown(entry.message_id, entry.head_id)
    context = {
        "folder": folder,
        "uid": uid,
        "ref": f"{folder.id}.{uid}",
        "head": entry,
        "why": explain(person(request).pk, trace_id, shown, folder.special_use),
        "trace": ulid_text(trace_id),
        "message_url": request.path.removesuffix("why/"),
    }
    is_part = "HX-Request" in request.headers
    page = render(request, "webmail/_why.html" if is_part else "webmail/why.html", context)
    patch_vary_headers(page, ["HX-Request"])
    return page
