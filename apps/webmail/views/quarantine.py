"""The pages behind the links of a digest: one message that was set aside, and how often digests
come. No sign-in: whoever holds such a link reads the mail of the user that it was sent to.

Reading a page changes nothing, so that programs which follow links in mail let nothing go. Nothing
of the message itself is shown but who wrote it, about what, and why it was set aside.
"""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Final

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from apps.directory.backends import MailhostBackend
from apps.mailstore.origin import Origin
from apps.scan import copies, tokens
from apps.scan.copies import Copy, Place
from apps.scan.services import copies as acts
from apps.scan.services import digests as telling
from apps.scan.services.digests import Every
from apps.webmail.signingin import client_address
from apps.wire.errors import MailError, NotFound, Temporary

_DOOR: Final = "link"


def _spam(found: Copy, *, origin: Origin) -> Copy:
    return acts.train(found, is_spam=True, origin=origin)


_ACTS: Final[dict[str, Callable[..., Copy]]] = {
    "release": acts.release,
    "block": acts.block,
    "delete": acts.delete,
    "spam": _spam,
}


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def copy(request: HttpRequest, token: str) -> HttpResponse:
    """One message that was set aside; a POST with `do` acts on it."""
    said, refusal = request.POST.get("do", ""), ""
    try:
        user_id, trace_id = tokens.read_copy(token)
        _require_active(user_id)
        found = copies.find(user_id, trace_id)
        if said in _ACTS:
            before = found.place
            found, refusal = _act(request, found, said)
            if said == "delete" and before is Place.MAILBOX:
                said = ""  # it was let go meanwhile, and stays where its reader has it
    except NotFound:
        return _over(request)
    context = {
        "found": found,
        "at": datetime.fromtimestamp(found.received_at, UTC),
        "said": "" if refusal else said,
        "wanted": said or request.GET.get("do", ""),
        "refusal": refusal,
        "token": token,
    }
    return render(request, "auth/held.html", context, status=409 if refusal else 200)


def _act(request: HttpRequest, found: Copy, said: str) -> tuple[Copy, str]:
    """The copy as it is then, and why nothing was done if nothing was."""
    agent = request.META.get("HTTP_USER_AGENT", "")
    origin = Origin(_DOOR, found.user_id, str(agent), client_address(request))
    try:
        return _ACTS[said](found, origin=origin), ""
    except (NotFound, Temporary):
        raise
    except MailError as error:
        return found, error.reply.text


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def digests(request: HttpRequest, token: str) -> HttpResponse:
    """How often the user gets digests; a POST with `every` changes it."""
    said = request.POST.get("every", "")
    try:
        user_id = tokens.read_digest(token)
        _require_active(user_id)
        if said in Every.values:
            telling.set_every(user_id, Every(said))
        every = telling.every_of(user_id)
    except NotFound:
        return _over(request)
    context = {"every": every, "choices": Every.choices, "said": said, "token": token}
    return render(request, "auth/digests.html", context)


def _require_active(user_id: int) -> None:
    """Whom an administrator has shut out is shut out here too. Raises NotFound."""
    if MailhostBackend().get_user(user_id) is None:
        raise NotFound(f"user {user_id} is not active")


def _over(request: HttpRequest) -> HttpResponse:
    return render(request, "auth/held_over.html", status=410)
