"""Queue: the list with its destinations, and what is done to many messages or to a destination."""

from typing import Final
from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponseBase
from django.shortcuts import redirect
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST

from apps.console.admission import for_administrators
from apps.console.portions import Stand, new_run
from apps.console.queue import acts, places, waiting
from apps.console.queue.acts import Done
from apps.console.queue.waiting import Wanted
from apps.console.services import bulkacts
from apps.console.typed import storable, typed
from apps.console.views.pages import (
    address_in,
    administrator,
    back_to,
    export_link,
    going,
    keep_and_say,
    say_undoable,
    show,
)
from apps.directory.permissions import Ability, Powers
from apps.mailqueue.services import EVERYWHERE
from apps.provisioning.administration import queue as doors
from apps.runtime.ulid import parse_ulid, ulid_text

REASON_MOST: Final = 300  # characters of what the sender is told
_NOTHING: Final = "Nothing was chosen that is still in the queue."
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
    tabs = waiting.tabs(powers, wanted)
    context |= {
        "wanted": wanted,
        "page": waiting.messages(powers, wanted, tabs),
        "tabs": tabs,
        "ages": waiting.AGES.items(),
        "export": export_link("queue", wanted),
        "run": new_run(),
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
    if request.POST.get("everything"):
        return _everything(request, powers, name, wanted)
    ids = acts.picked(powers, _ticked(request.POST.getlist("id")))
    if not ids:
        messages.info(request, _NOTHING)
        return back_to("console-queue", wanted)
    if name == "bounce" and "sure" not in request.POST:
        return _ask(request, powers, wanted, f"{len(ids):,}", [ulid_text(one) for one in ids])
    tell(request, name, acts.do(powers, name, ids, reason_of(request)))
    return back_to("console-queue", wanted)


def _everything(
    request: HttpRequest, powers: Powers, name: str, wanted: Wanted
) -> HttpResponseBase:
    """Do it to the next portion of all that fit."""
    stand = Stand.of(request.POST.dict())
    if stand.is_first:
        stand = acts.begin(powers, wanted).of_run(stand)
    ids, has_more = acts.portion(powers, wanted, stand)
    if not ids and stand.is_first:
        messages.info(request, _NOTHING)
        return back_to("console-queue", wanted)
    if name == "bounce" and "sure" not in request.POST:
        return _ask(request, powers, wanted, stand.total, [], run=stand.run)
    reason, who = reason_of(request), administrator(request)
    if ids and "stop" not in request.POST:
        done = acts.do(powers, name, ids, reason)
        stand = stand.further(ulid_text(ids[-1]), done=done.count)
        if done.before:
            bulkacts.keep(user=who, what=done.what, before=done.before, run=stand.run_id)
        if has_more:
            asked = [("act", name), ("everything", "1"), ("sure", "1"), ("reason", reason)]
            words = acts.told(name, stand.done)
            return going(request, powers, "console-queue", wanted, stand, words, asked=asked)
    if not stand.done:
        messages.info(request, _GONE)
    elif (act := bulkacts.last_of(user=who, run=stand.run_id)) is not None:
        say_undoable(request, acts.told(name, stand.done), act)
    else:
        messages.success(request, acts.told(name, stand.done))
    return back_to("console-queue", wanted)


def _ask(
    request: HttpRequest,
    powers: Powers,
    wanted: Wanted,
    count: str,
    ids: list[str],
    *,
    run: str = "",
) -> HttpResponseBase:
    """Ask for the reason: of those that were ticked, or of all that fit if there are none."""
    context = {
        "count": count,
        "is_one": count == "1",
        "ids": ids,
        "everything": not ids,
        "run": run,
        "wanted": wanted,
        "back": address_in("console-queue", wanted),
        "most": REASON_MOST,
        "nav": "queue",
    }
    return show(request, powers, "queue-bounce.html", context)


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
    found = (parse_ulid(text) for text in texts[: bulkacts.MOST])
    return list(dict.fromkeys(one for one in found if one is not None))
