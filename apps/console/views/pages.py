"""What all pages of the console have in common."""

from collections.abc import Iterable
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse

from apps.console.filters import Filter
from apps.console.navigation import menu
from apps.console.portions import Stand
from apps.console.services import bulkacts
from apps.directory.models import User
from apps.directory.permissions import Ability, Powers
from apps.provisioning.administration.sight import find_user
from apps.wire.errors import NotFound


def show(
    request: HttpRequest,
    powers: Powers,
    template: str,
    context: dict[str, Any],
    status: int = 200,
) -> HttpResponse:
    """A page, with what its frame needs."""
    frame = {
        "reads_audit": powers.may(Ability.READ_AUDIT),
        "creates_users": powers.may(Ability.CREATE_USERS),
        "menu": menu(powers),
    }
    return render(request, f"console/{template}", {**frame, **context}, status=status)


def user_in_sight(powers: Powers, number: int) -> User:
    """A user by its id; raise Http404 for what is not there and for what is another's."""
    try:
        return find_user(powers, number)
    except NotFound:
        raise Http404 from None


def administrator(request: HttpRequest) -> User:
    """Who asks; `for_administrators` has made sure of it."""
    assert isinstance(request.user, User)
    return request.user


def say_undoable(request: HttpRequest, words: str, act_id: UUID) -> None:
    """Say what was done, beside an Undo of that `BulkAct` (`webmail/_undo.html`)."""
    messages.success(request, words, extra_tags=f"back:{act_id}")


def going(
    request: HttpRequest,
    powers: Powers,
    name: str,
    wanted: Filter,
    stand: Stand,
    words: str,
    *,
    asked: Iterable[tuple[str, str]],
) -> HttpResponse:
    """The page between two portions of an act on all that match a list.

    Args:
        name: where the list is; its acts are at `name`-bulk.
        words: what has been done so far.
        asked: name and value of what the act needs besides.
    """
    context = {
        "action": reverse(f"{name}-bulk"),
        "pairs": [*asked, *wanted.here, *stand.pairs],
        "stand": stand,
        "words": words,
        "back": address_in(name, wanted),
        "nav": name.removeprefix("console-"),
    }
    return show(request, powers, "going.html", context)


def keep_and_say(request: HttpRequest, words: str, *, what: str, before: Any) -> None:
    """Keep how things were, and say what was done to them."""
    act = bulkacts.keep(user=administrator(request), what=what, before=before)
    say_undoable(request, words, act.pk)


def address_in(name: str, wanted: Filter) -> str:
    """The address of a list, at the very page from which somebody came."""
    query = urlencode(wanted.here)
    return reverse(name) + (f"?{query}" if query else "")


def back_to(name: str, wanted: Filter) -> HttpResponseRedirect:
    """Back there, from what a form with `console/_here.html` did."""
    return HttpResponseRedirect(address_in(name, wanted))


def export_link(kind: str, wanted: Filter) -> str:
    """The address of a list as a file, by the same filters."""
    return f"{reverse('console-export')}?{urlencode([('kind', kind), *wanted.narrowing])}"
