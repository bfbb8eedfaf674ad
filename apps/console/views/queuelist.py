"""Queue: the list with its destinations, and what is done to many messages or to a destination."""

from typing import Final
from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponseBase
from django.shortcuts import redirect
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST

from apps.console.admission import for_administrators
from apps.console.queue import acts, places, waiting
from apps.console.queue.acts import Done
from apps.console.queue.waiting import Wanted
from apps.console.services import bulkacts
from apps.console.typed import storable, typed
from apps.console.views.pages import address_in, back_to, keep_and_say, show
from apps.directory.permissions import Ability, Powers
from apps.mailqueue.services import EVERYWHERE
from apps.provisioning.administration import queue as doors
from apps.runtime.ulid import parse_ulid, ulid_text

REASON_MOST: Final = 300  # characters of what the sender is told
_GONE: Final = "Nothing could be done: it has left the queue meanwhile, or is not yours to act on."


@for_administrators
@require_http_methods(["GET", "HEAD"])
def listing(request: HttpRequest, powers: Powers) -> HttpResponseBase:
    """The page; for its own script the part of it that changes."""
    demand(powers)
    is_part = request.headers.get("HX-Request") == "true"
    is_long = request.GET.get("places") == "all"
    most = places.ALL if is_long else places.SHOWN
    found = places.places(powers, most)
    context = {
        "places": found[:most],
        "has_more": len(found) > most,
        "is_long": is_long,
        "paused": places.paused(powers),
        "oldest": waiting.oldest(powers),
        "is_operator": powers.is_operator,
        "at": timezone.now(),
        "nav": "queue",
    }
    if is_part:
        return show(request, powers, "_queue_live.html", context)
    wanted = Wanted.of(request.GET.dict())
    context |= {
        "wanted": wanted,
        "page": waiting.messages(powers, wanted),
        "tabs": waiting.tabs(powers, wanted),
        "ages": waiting.AGES.items(),
        "most": f"{bulkacts.MOST:,}",
    }
    return show(request, powers, "queue.html", context)


@for_administrators
@require_POST
def bulk(request: HttpRequest, powers: Powers) -> HttpResponseBase:
    """Do it to what was ticked, or to all that fit; returning them asks for the reason first."""
    demand(powers)
    name = request.POST.get("act", "")
    if name not in acts.NAMES:
        raise Http404
    wanted = Wanted.of(request.POST.dict())
    is_all = bool(request.POST.get("everything"))
    ids = acts.picked(powers, _ticked(request.POST.getlist("id")), wanted if is_all else None)
    if not ids:
        messages.info(request, "Nothing was chosen that is still in the queue.")
        return back_to("console-queue", wanted)
    if name == "bounce" and "sure" not in request.POST:
        context = {
            "count": min(len(ids), bulkacts.MOST),
            "ids": [] if is_all else [ulid_text(one) for one in ids],
            "everything": is_all,
            "wanted": wanted,
            "action": "console-queue-bulk",
            "back": address_in("console-queue", wanted),
            "most": REASON_MOST,
            "nav": "queue",
        }
        return show(request, powers, "queue-bounce.html", context)
    tell(request, name, acts.do(powers, name, ids, reason_of(request)))
    if len(ids) > bulkacts.MOST:
        words = f"That were the {bulkacts.MOST:,} oldest. More fit: do it again for the next."
        messages.info(request, words)
    return back_to("console-queue", wanted)


@for_administrators
@require_POST
def destination(request: HttpRequest, powers: Powers) -> HttpResponseBase:
    """Try again what waits there, pause it, let it go on; for operators."""
    demand(powers)
    if not powers.is_operator:
        raise Http404
    name = storable(request.POST.get("name", ""))[:300] or EVERYWHERE
    where = "all destinations" if name == EVERYWHERE else name.removeprefix("mx/")
    act = request.POST.get("act", "")
    if act == "hasten":
        count = doors.hasten(powers=powers, name=name)
        many = "1 recipient is" if count == 1 else f"{count:,} recipients are"
        words = f"{many} tried again now ({where})." if count else "Nothing had to wait longer."
        messages.success(request, words)
    elif act == "pause":
        is_news = doors.pause(powers=powers, name=name)
        words = "is paused. What is being sent now still arrives." if is_news else "was paused."
        messages.success(request, f"Sending to {where} {words}")
    elif act == "resume":
        was_paused = doors.resume(powers=powers, name=name)
        messages.success(request, f"Sending to {where} {'goes on' if was_paused else 'went on'}.")
    else:
        raise Http404
    return redirect("console-queue")


def demand(powers: Powers) -> None:
    """The room is there for who runs the queue somewhere."""
    if not powers.may(Ability.RUN_QUEUE):
        raise Http404


def reason_of(request: HttpRequest) -> str:
    """Why, as somebody wrote it, on one line."""
    return " ".join(typed(request.POST.dict(), "reason", REASON_MOST).split())


def tell(request: HttpRequest, name: str, done: Done) -> None:
    """Say what was done, beside an Undo where there is one."""
    if not done.count:
        messages.info(request, _GONE)
    elif done.what:
        keep_and_say(request, acts.told(name, done.count), what=done.what, before=done.before)
    else:
        messages.success(request, acts.told(name, done.count))


def _ticked(texts: list[str]) -> list[UUID]:
    found = (parse_ulid(text) for text in texts[: bulkacts.MOST + 1])
    return list(dict.fromkeys(one for one in found if one is not None))
