"""Quarantine: the list, and what is done to many of its messages."""

from dataclasses import dataclass
from typing import Final

from django.conf import settings
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponseBase
from django.views.decorators.http import require_http_methods, require_POST

from apps.console.admission import for_administrators
from apps.console.quarantine import bulk as acts
from apps.console.quarantine import keptlist
from apps.console.quarantine.bulk import Done
from apps.console.quarantine.keptlist import Wanted
from apps.console.services import bulkacts
from apps.console.typed import ticked
from apps.console.userlist import domain_choices
from apps.console.views.pages import address_in, back_to, export_link, keep_and_say, show
from apps.directory.permissions import Ability, Powers


@dataclass(frozen=True, slots=True)
class _Release:
    """A way to let mail go, which asks first: it cannot be taken back."""

    title: str
    button: str
    teaches: bool


RELEASES: Final = {
    "train": _Release("Release and train", "Release and train", teaches=True),
    "release": _Release("Release", "Release", teaches=False),
}


@for_administrators
@require_http_methods(["GET", "HEAD"])
def listing(request: HttpRequest, powers: Powers) -> HttpResponseBase:
    """A page of what is kept."""
    _demand(powers)
    wanted = Wanted.of(request.GET.dict())
    context = {
        "wanted": wanted,
        "errors": wanted.errors,
        "page": keptlist.kept(powers, wanted),
        "tabs": keptlist.tabs(powers, wanted),
        "states": keptlist.STATES,
        "points": keptlist.POINTS,
        "domains": domain_choices(powers),
        "days": settings.QUARANTINE_DAYS,
        "digest": settings.QUARANTINE_DIGEST,
        "digest_hour": settings.QUARANTINE_DIGEST_HOUR,
        "export": export_link("quarantine", wanted),
        "nav": "quarantine",
    }
    return show(request, powers, "quarantine.html", context)


@for_administrators
@require_POST
def bulk(request: HttpRequest, powers: Powers) -> HttpResponseBase:
    """Delete it or block its senders, with an Undo; or let it go, after a question."""
    _demand(powers)
    name = request.POST.get("act", "")
    wanted = Wanted.of(request.POST.dict())
    is_all = bool(request.POST.get("everything"))
    ids = ticked(request.POST.getlist("id"))
    numbers = keptlist.any_kept(powers, ids, wanted if is_all else None, bulkacts.MOST)
    if not numbers:
        messages.info(request, "Nothing was chosen that is still kept: tick what you mean.")
        return back_to("console-quarantine", wanted)
    if len(numbers) > bulkacts.MOST:
        most = f"{bulkacts.MOST:,}"
        messages.error(request, f"That is done to {most} messages at a time: narrow the list.")
        return back_to("console-quarantine", wanted)
    if name in RELEASES:
        return _released(request, powers, name, numbers, wanted, is_all=is_all)
    do(request, powers, name, numbers)
    return back_to("console-quarantine", wanted)


def do(request: HttpRequest, powers: Powers, name: str, numbers: list[int]) -> None:
    """Delete, or block and delete; keep how it was, and say so. Raises Http404 for other acts."""
    if name == "delete":
        done, what, words = acts.delete(powers, numbers), acts.DELETE, "deleted"
    elif name == "block":
        done, what = acts.block(powers, numbers), acts.BLOCK
        words = "deleted, and whoever sent it is blocked"
    else:
        raise Http404
    if done.count:
        keep_and_say(request, f"{acts.counted(done.count)} {words}.", what=what, before=done.before)
    tell_rest(request, done)


def tell_rest(request: HttpRequest, done: Done) -> None:
    """Say what stayed as it was, and why."""
    if done.left:
        messages.error(request, done.refusal)


def _released(
    request: HttpRequest,
    powers: Powers,
    name: str,
    numbers: list[int],
    wanted: Wanted,
    *,
    is_all: bool,
) -> HttpResponseBase:
    act = RELEASES[name]
    if "sure" in request.POST:
        done = acts.release(powers, numbers, teaches=act.teaches)
        if done.count:
            messages.success(request, f"{acts.counted(done.count)} released, and arrive soon.")
        tell_rest(request, done)
        return back_to("console-quarantine", wanted)
    context = {
        "act": act,
        "name": name,
        "count": len(numbers),
        "ids": [] if is_all else numbers,
        "is_all": is_all,
        "wanted": wanted,
        "back": address_in("console-quarantine", wanted),
        "nav": "quarantine",
    }
    return show(request, powers, "quarantine-release.html", context)


def _demand(powers: Powers) -> None:
    if not powers.may(Ability.RUN_QUARANTINE):
        raise Http404
