"""What the buttons of list and message do, and Undo. Each is a form that works without script."""

from collections.abc import Callable, Sequence
from functools import wraps
from typing import Any, Final

from django.contrib import messages
from django.contrib.auth.views import redirect_to_login
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from apps.mailstore import queries
from apps.mailstore.origin import Origin
from apps.mailstore.uidset import uid_set
from apps.provisioning import acting
from apps.ui.answers import wants_page
from apps.webmail import nextpage
from apps.webmail.acts import undo as undoing
from apps.webmail.acts import words
from apps.webmail.acts.form import wish_of
from apps.webmail.acts.steps import Remembered
from apps.webmail.acts.undo import Undone
from apps.webmail.acts.verbs import VERBS
from apps.webmail.acts.wish import Done, Wish, perform, places
from apps.webmail.cursor import parse as parse_cursor
from apps.webmail.visitor import find_entry, find_folder, origin, person
from apps.wire.errors import MailError, NotFound, Temporary

UNDO_TAG: Final = "undo:"
"""Stands before the token in a message of django's, so that the page shows a button for it."""
_LONGEST_KEPT: Final = 16 * 1024  # characters of a token, in the session for a moment
_STAYS: Final = frozenset({"star", "unstar"})

View = Callable[..., HttpResponse]


def _signed_in(view: View) -> View:
    """Strangers sign in first; a script is told so by 401."""

    @wraps(view)
    def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if request.user.is_authenticated:
            return view(request, *args, **kwargs)
        if wants_page(request):
            return redirect_to_login(request.get_full_path())
        return JsonResponse({"error": _("Sign in again")}, status=401)

    return guarded


@_signed_in
@require_POST
def acts(request: HttpRequest) -> HttpResponse:
    """Do something to messages: `verb` to each `ref`, or to `all` of a place."""
    user = person(request)
    try:
        wish = wish_of(request.POST)
        if wish.verb == "empty" and request.POST.get("confirmed") != "1":
            return _ask(request, wish)
        _note(request, wish)
        done = perform(user.pk, wish, origin(request))
    except MailError as error:
        return _refused(request, error)
    steps = done.steps if done.can_undo else []
    token = token_of(request, steps)
    said = words.of_act(wish, done, can_undo=token is not None)
    return answer(request, said, token, facts_of(done), is_good=done.messages > 0)


@_signed_in
@require_POST
def undo(request: HttpRequest) -> HttpResponse:
    """Take back what tokens remember, the last one first."""
    user, mine = person(request), origin(request)
    undone = Undone()
    try:
        tokens = request.POST.getlist("token")[:100]
        held = [undoing.read(one, user_id=user.pk, by=_by(mine)) for one in tokens]
        steps = [step for some in held for step in some]
        if getattr(request, "acting_by", None) is not None:
            acting.note_acts(user, what="undo", folder="", uids="")
        undone = undoing.perform(user.pk, steps, mine)
    except MailError as error:
        return _refused(request, error)
    facts = {
        "back": undone.renamed,
        "undone": undone.back,
        "lost": undone.lost,
        "counts": _counts(undone.touched),
    }
    return answer(request, words.of_undo(undone), None, facts, is_good=not undone.lost)


@_signed_in
@require_POST
def act(request: HttpRequest, slug: str, uid: int, verb: str) -> HttpResponse:
    """The same for one message, by its address."""
    folder = find_folder(request, slug)
    find_entry(folder, uid)
    if verb not in VERBS:
        raise Http404
    try:
        form = request.POST.copy()
        form.setlist("one", [f"{verb}:{folder.id}.{uid}"])
        perform(person(request).pk, wish_of(form), origin(request))
    except MailError as error:
        return _refused(request, error)
    back = reverse("mailbox", args=[folder.slug])
    if verb in _STAYS:
        back = reverse("message", args=[folder.slug, uid])
    cursor = parse_cursor(request.GET.get("before", ""))
    return redirect(f"{back}?before={cursor[0]}-{cursor[1]}" if cursor else back)


def token_of(request: HttpRequest, steps: Sequence[Remembered]) -> str | None:
    """For who asks: what takes these steps back; None if nothing can."""
    return undoing.token(steps, user_id=person(request).pk, by=_by(origin(request)))


def answer(
    request: HttpRequest,
    said: str,
    token: str | None,
    facts: dict[str, Any],
    *,
    is_good: bool = True,
    to: str = "",
) -> HttpResponse:
    """JSON for a script; for others a page that says it, with a button to take it back.

    Args:
        to: the page, if it is not the one that the form asks for.
    """
    if not wants_page(request):
        return JsonResponse({"text": said, "undo": token, **facts})
    if token is not None and len(token) <= _LONGEST_KEPT:
        messages.success(request, said, extra_tags=UNDO_TAG + token)
    else:
        messages.add_message(request, messages.SUCCESS if is_good else messages.WARNING, said)
    return redirect(to or _next(request))


def _refused(request: HttpRequest, error: MailError) -> HttpResponse:
    """JSON for a script. For others back to where they were with a word, if they can choose
    otherwise; what is gone, full or away gets the page of trouble with its own status: a redirect
    would look like success, and would ask the same database again."""
    if not wants_page(request):
        said = _("Not there (any more)") if isinstance(error, NotFound) else error.reply.text
        return JsonResponse({"error": said}, status=error.http_status)
    if isinstance(error, NotFound | Temporary):
        raise error
    messages.error(request, error.reply.text)
    return redirect(_next(request))


def _ask(request: HttpRequest, wish: Wish) -> HttpResponse:
    """Before a whole folder is deleted."""
    found = [place for place, _uids in places(person(request).pk, wish)]
    if not wants_page(request):
        return JsonResponse({"error": _("Say that you are sure"), "confirm": True}, status=409)
    counts = queries.status([place.id for place in found])
    context = {
        "place": found[0],
        "count": sum(one.messages for one in counts.values()),
        "next": _next(request),
    }
    return render(request, "webmail/act-confirm.html", context)


def _note(request: HttpRequest, wish: Wish) -> None:
    """An administrator who looks as the user leaves a record, before anything changes."""
    if getattr(request, "acting_by", None) is None:
        return
    user = person(request)
    for place, uids in places(user.pk, wish):
        acting.note_acts(user, what=wish.verb, folder=place.slug, uids=uid_set(uids) or "all")


def facts_of(done: Done) -> dict[str, Any]:
    return {
        "count": done.messages,
        "gone": done.gone,
        "left": done.left,
        "counts": _counts(done.touched),
    }


def _counts(mailbox_ids: set[int]) -> dict[str, dict[str, int]]:
    """What the side shows of mailboxes that are others now."""
    found = queries.status(sorted(mailbox_ids)) if mailbox_ids else {}
    return {
        str(key): {"unseen": one.unseen, "messages": one.messages} for key, one in found.items()
    }


def _by(who: Origin) -> int:
    assert who.user_id is not None
    return who.user_id


def _next(request: HttpRequest) -> str:
    return nextpage.after(str(request.POST.get("next", "")))
