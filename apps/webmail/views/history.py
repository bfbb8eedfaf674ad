"""What happened to a message."""

from uuid import UUID

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from apps.mailstore import conversations, queries
from apps.mailstore.queries import shown
from apps.webmail import sent
from apps.webmail.history import history as tell
from apps.webmail.visitor import find_folder, person


@never_cache
@login_required
@require_safe
def history(request: HttpRequest, slug: str, uid: int) -> HttpResponse:
    """The page: of a message that the reader sent how it went, else how it came; of mail in a
    mailbox that somebody shares only what its reader had to do with it."""
    folder = find_folder(request, slug)
    head = conversations.head(folder.id, uid)
    if head is None:
        raise Http404
    user_id = person(request).pk
    trace_id = sent.trace_of(user_id, head.message_key)
    if trace_id is None:
        ((_, kept),) = queries.fetch_page(folder.id, [uid], ["trace_id"])
        trace_id = kept if isinstance(kept, UUID) else UUID(kept)  # SQLite keeps its hex
    recipients = None
    if head.message_key and not folder.owner:
        recipients = sent.sent(user_id, shown(head.message_id, head.head_id).whole())
    context = {
        "folder": folder,
        "uid": uid,
        "ref": f"{folder.id}.{uid}",
        "head": head,
        "history": tell(user_id, trace_id),
        "sent": recipients,
        "message_url": request.path.removesuffix("history/"),
    }
    return render(request, "webmail/history.html", context)
