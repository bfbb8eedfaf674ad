"""The list of a mailbox, of what is starred, and of a label. It works as a plain page without
script; a script gets the list alone, or only the rows that come next."""

from typing import Any, Final
from urllib.parse import urlencode

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.cache import patch_vary_headers
from django.views.decorators.http import require_safe

from apps.mailstore import conversations as store
from apps.mailstore.models import SpecialUse
from apps.mailstore.services.keywords import is_keyword
from apps.webmail import conversations, cursor, preferences, standing
from apps.webmail import folders as boxes
from apps.webmail.conversations import Listing, Place, Wish
from apps.webmail.folders import Side
from apps.webmail.rows import days, moment
from apps.webmail.visitor import own, person
from apps.wire.errors import NotFound

STARRED: Final = "starred"
_LABEL: Final = "label:"


@login_required
@require_safe
def home(request: HttpRequest) -> HttpResponse:
    """To the inbox."""
    return redirect("mailbox", slug=SpecialUse.INBOX)


@login_required
@require_safe
def mailbox(request: HttpRequest, slug: str) -> HttpResponse:
    """A page of a mailbox's conversations, newest first."""
    return _answer(request, list_context(request, slug))


@login_required
@require_safe
def starred(request: HttpRequest) -> HttpResponse:
    """A page of all that is starred, wherever it lies."""
    return _answer(request, _across(request, STARRED))


@login_required
@require_safe
def label(request: HttpRequest, keyword: str) -> HttpResponse:
    """A page of all that has a label, wherever it lies."""
    return _answer(request, _across(request, f"{_LABEL}{keyword}"))


def _answer(request: HttpRequest, context: dict[str, Any]) -> HttpResponse:
    template = "webmail/inbox.html"
    # Going back in time, htmx asks for the whole page by a header of its own.
    if "HX-Request" in request.headers and "HX-History-Restore-Request" not in request.headers:
        # Rows alone are put below those that stand there.
        context["is_rows_alone"] = not context["is_first_page"]
        template = "webmail/_rows.html" if context["is_rows_alone"] else "webmail/_list.html"
    response = render(request, template, context)
    patch_vary_headers(response, ["HX-Request"])
    return response


def list_context(
    request: HttpRequest, slug: str, uid: int | None = None, *, has_rows: bool = True
) -> dict[str, Any]:
    """What the side and the list show.

    Args:
        uid: of a message that is read there: the list says which row it is of, and `position`
            where that is. `?in=` names the place that it was opened from.
        has_rows: whether the page shows the list itself.

    Raises:
        Http404: the person has no such mailbox.
    """
    side = boxes.side(person(request), request.GET.get("in", "") or slug)
    try:
        folder = boxes.pick(side.all, slug)
    except NotFound:
        raise Http404 from None
    place = _place(side, request.GET.get("in", "")) or conversations.of_folder(folder)
    head = store.head(folder.id, uid) if uid is not None else None
    context = _context(request, side, place, head, has_rows=has_rows)
    context["folder"] = folder
    if head is not None:
        wish = _wish(request, head)
        context["position"] = standing.of(folder, head, wish, place, context["page_query"])
    return context


def _across(request: HttpRequest, here: str) -> dict[str, Any]:
    side = boxes.side(person(request), here)
    place = _place(side, here)
    if place is None:
        raise Http404
    return _context(request, side, place, None)


def _place(side: Side, here: str) -> Place | None:
    if here == STARRED:
        return conversations.of_stars()
    keyword = here.removeprefix(_LABEL)
    if keyword == here or not is_keyword(keyword):
        return None
    found = side.label_of(keyword)
    return conversations.of_label(found) if found else None


def _wish(request: HttpRequest, head: store.Head | None) -> Wish:
    return Wish(
        only_unread=request.GET.get("only") == "unread",
        newest_first=request.GET.get("sort") != "oldest",
        threaded=preferences.asked(request).has_conversations,
        before=request.GET.get("before", ""),
        current=(head.mailbox_id, head.thread_id, head.uid) if head else None,
    )


def _context(
    request: HttpRequest,
    side: Side,
    place: Place,
    head: store.Head | None,
    *,
    has_rows: bool = True,
) -> dict[str, Any]:
    user, wish = person(request), _wish(request, head)
    found = Listing([])
    if has_rows:
        found = conversations.listing(user.pk, own(request), side, place, wish)
    is_first = conversations.is_first(place, wish)
    # What the person chose stays in every address of the list; where they are in it, too, in those
    # of messages and acts.
    chosen = {}
    if wish.only_unread and place.folder:
        chosen["only"] = "unread"
    if not wish.newest_first and place.folder:
        chosen["sort"] = "oldest"
    within = {} if place.folder else {"in": place.here}
    before = {} if is_first else {"before": wish.before}
    last = None if is_first else cursor.date_of(wish.before)
    return {
        "side": side,
        "folder": place,
        "place": place,
        "place_url": _address(place),
        "days": days(found.rows, None if last is None else moment(last)),
        "conversations": wish.threaded,
        "only": chosen.get("only", ""),
        "sort": chosen.get("sort", "newest"),
        "is_first_page": is_first,
        "page_query": _query(within | chosen | before),
        "older": found.older,
        "list_url": _address(place) + _query(chosen),
        "older_url": _address(place) + _query(chosen | {"before": found.older}),
        "urls": {
            "all": _address(place) + _query({**chosen, "only": ""}),
            "unread": _address(place) + _query({**chosen, "only": "unread"}),
            "newest": _address(place) + _query({**chosen, "sort": ""}),
            "oldest": _address(place) + _query({**chosen, "sort": "oldest"}),
        },
    }


def _address(place: Place) -> str:
    if place.label is not None:
        return reverse("label", args=[place.label.keyword])
    return reverse("starred") if place.folder is None else reverse("mailbox", args=[place.slug])


def _query(chosen: dict[str, str]) -> str:
    kept = {name: value for name, value in chosen.items() if value}
    return f"?{urlencode(kept)}" if kept else ""
