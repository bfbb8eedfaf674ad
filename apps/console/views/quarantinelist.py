"""Quarantine: the list, and what is done to many of its messages."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from django.conf import settings
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponseBase
from django.views.decorators.http import require_http_methods, require_POST

from apps.console.admission import for_administrators
from apps.console.portions import Stand, new_run
from apps.console.quarantine import bulk as acts
from apps.console.quarantine import keptlist
from apps.console.quarantine.bulk import Done
from apps.console.quarantine.keptlist import Wanted
from apps.console.services import bulkacts
from apps.console.typed import ticked
from apps.console.userlist import domain_choices
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


@dataclass(frozen=True, slots=True)
class _Act:
    """What is done at once, and can be taken back.

    Args:
        what: its name for undoing.
        words: what is said after "12 messages are".
    """

    do: Callable[[Powers, Iterable[int]], Done]
    what: str
    words: str


_ACTS: Final = {
    "delete": _Act(acts.delete, acts.DELETE, "deleted"),
    "block": _Act(acts.block, acts.BLOCK, "deleted, and whoever sent it is blocked"),
}
_NOTHING: Final = "Nothing was chosen that is still kept: tick what you mean."


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
        "run": new_run(),
        "nav": "quarantine",
    }
    return show(request, powers, "quarantine.html", context)


@for_administrators
@require_POST
def bulk(request: HttpRequest, powers: Powers) -> HttpResponseBase:
    """Delete it or block its senders, with an Undo; or let it go, after a question."""
    _demand(powers)
    name = request.POST.get("act", "")
    if name not in RELEASES and name not in _ACTS:
        raise Http404
    wanted = Wanted.of(request.POST.dict())
    if request.POST.get("everything"):
        return _everything(request, powers, name, wanted)
    ids = ticked(request.POST.getlist("id"))
    numbers = keptlist.any_kept(powers, ids, bulkacts.MOST)
    if not numbers:
        messages.info(request, _NOTHING)
        return back_to("console-quarantine", wanted)
    if len(numbers) > bulkacts.MOST:
        most = f"{bulkacts.MOST:,}"
        messages.error(request, f"That is done to {most} messages at a time: narrow the list.")
        return back_to("console-quarantine", wanted)
    if name in RELEASES and "sure" not in request.POST:
        return _ask(request, powers, name, wanted, f"{len(numbers):,}", numbers)
    do(request, powers, name, numbers)
    return back_to("console-quarantine", wanted)


def _everything(
    request: HttpRequest, powers: Powers, name: str, wanted: Wanted
) -> HttpResponseBase:
    """Do it to the next portion of all that fit."""
    stand = Stand.of(request.POST.dict())
    if stand.is_first:
        stand = keptlist.begin(powers, wanted).of_run(stand)
    numbers, has_more = keptlist.portion(powers, wanted, stand, acts.PORTION)
    if not numbers and stand.is_first:
        messages.info(request, _NOTHING)
        return back_to("console-quarantine", wanted)
    if name in RELEASES and "sure" not in request.POST:
        return _ask(request, powers, name, wanted, stand.total, [])
    who = administrator(request)
    if numbers and "stop" not in request.POST:
        done = _done(powers, name, numbers)
        stand = stand.further(str(numbers[-1]), done=done.count, left=done.left, why=done.why)
        if done.before:
            what = _ACTS[name].what
            bulkacts.keep(user=who, what=what, before=done.before, run=stand.run_id)
        if has_more:
            asked = [("act", name), ("everything", "1"), ("sure", "1")]
            words = _words(name, stand.done)
            return going(request, powers, "console-quarantine", wanted, stand, words, asked=asked)
    act = bulkacts.last_of(user=who, run=stand.run_id)
    if stand.done and act is not None:
        say_undoable(request, _words(name, stand.done), act)
    elif stand.done:
        messages.success(request, _words(name, stand.done))
    tell_rest(request, Done(left=stand.left, why=stand.why))
    return back_to("console-quarantine", wanted)


def do(request: HttpRequest, powers: Powers, name: str, numbers: list[int]) -> None:
    """Do one of the acts; keep how it was, and say so. Raises Http404 for other acts."""
    if name not in RELEASES and name not in _ACTS:
        raise Http404
    done = _done(powers, name, numbers)
    words = _words(name, done.count)
    if done.count and name in _ACTS:
        keep_and_say(request, words, what=_ACTS[name].what, before=done.before)
    elif done.count:
        messages.success(request, words)
    tell_rest(request, done)


def _done(powers: Powers, name: str, numbers: Sequence[int]) -> Done:
    if name in RELEASES:
        return acts.release(powers, numbers, teaches=RELEASES[name].teaches)
    return _ACTS[name].do(powers, numbers)


def _words(name: str, count: int) -> str:
    words = "released, and arrive soon" if name in RELEASES else _ACTS[name].words
    return f"{acts.counted(count)} {words}."


def tell_rest(request: HttpRequest, done: Done) -> None:
    """Say what stayed as it was, and why."""
    if done.left:
        messages.error(request, done.refusal)


def _ask(
    request: HttpRequest,
    powers: Powers,
    name: str,
    wanted: Wanted,
    count: str,
    numbers: list[int],
) -> HttpResponseBase:
    """Ask whether to let go what was ticked, or all that fit if that is nothing."""
    context = {
        "act": RELEASES[name],
        "name": name,
        "count": count,
        "ids": numbers,
        "is_all": not numbers,
        "wanted": wanted,
        "back": address_in("console-quarantine", wanted),
        "nav": "quarantine",
    }
    return show(request, powers, "quarantine-release.html", context)


def _demand(powers: Powers) -> None:
    if not powers.may(Ability.RUN_QUARANTINE):
        raise Http404
