"""Absence replies and forwards of a user: seen by who may change them."""

from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect
from django.views.decorators.http import require_http_methods

from apps.console.account import account_of
from apps.console.admission import for_administrators
from apps.console.forms import ReplyForm
from apps.console.views.pages import administrator, user_in_sight
from apps.console.views.userpage import user_tab
from apps.directory.models import Kind, User
from apps.directory.permissions import Powers
from apps.directory.services import forwards
from apps.provisioning.administration import replies as doors
from apps.sieve import queries
from apps.sieve.models import Vacation
from apps.wire.errors import MailError, NotFound, Refused
from apps.wire.numbers import whole_number


@for_administrators
@require_http_methods(["GET", "HEAD", "POST"])
def replies(request: HttpRequest, powers: Powers, number: int) -> HttpResponseBase:
    """Turn a person's absence reply on or off, or end a forward."""
    user = user_in_sight(powers, number)
    if user.kind != Kind.PERSON:
        raise Http404
    if request.method != "POST":
        return _page(request, powers, user)
    what = request.POST.get("what", "")
    form = ReplyForm(request.POST if what == "reply" else None)
    if what == "reply" and not form.is_valid():
        return _page(request, powers, user, form=form)
    try:
        words = _do(request, powers, user, what, form)
    except NotFound:
        raise Http404 from None
    except MailError as error:
        if type(error) is not Refused:
            return _page(request, powers, user, trouble=error)
        # What is wrong with the reply, as a sentence with its full stop.
        form.add_error(_FIELDS.get(error.detail), error.reply.text)
        return _page(request, powers, user, form=form)
    messages.success(request, f"{words} The user is told.")
    return redirect("console-user-replies", user.pk)


_FIELDS = {"subject": "subject", "text": "text", "dates": "last_day"}


def _do(request: HttpRequest, powers: Powers, user: User, what: str, form: ReplyForm) -> str:
    if what == "reply":
        said = form.cleaned_data
        last = said["last_day"]
        doors.set_reply(
            powers=powers,
            user_id=user.pk,
            subject=said["subject"],
            text=said["text"],
            starts_at=_midnight(said["first_day"]),
            ends_at=_midnight(last + timedelta(days=1)) if last and last < date.max else 0,
        )
        return "The reply is on."
    if what == "end-reply":
        doors.end_reply(powers=powers, user_id=user.pk)
        return "The reply is off."
    if what == "end-forward":
        forward = whole_number(request.POST.get("forward", "")) or 0
        address = doors.end_forward(powers=powers, user_id=user.pk, forward_id=forward)
        return f"Mail is no longer sent on to {address}."
    raise Http404


def _midnight(day: date | None) -> int:
    """Where a day of UTC begins, in Unix seconds; 0 for none."""
    if day is None:
        return 0
    return max(0, int(datetime.combine(day, time(), UTC).timestamp()))


def _page(
    request: HttpRequest,
    powers: Powers,
    user: User,
    *,
    form: ReplyForm | None = None,
    trouble: MailError | None = None,
) -> HttpResponse:
    one = account_of(powers, administrator(request), user)
    kept = queries.of_user(user.pk)
    context: dict[str, Any] = {
        "is_on": kept.is_on,
        "starts": _day(kept.starts_at),
        "ends": _day(kept.ends_at - 1 if kept.ends_at else 0),
    }
    if one.acts.changes_replies:
        context["form"] = form or ReplyForm(initial=_initial(kept))
        context["forwards"] = forwards.living(user)
    status = 422 if form is not None and form.errors else 200
    return user_tab(
        request, powers, user, "replies", context, one=one, trouble=trouble, status=status
    )


def _initial(kept: Vacation) -> dict[str, Any]:
    first, last = _day(kept.starts_at), _day(kept.ends_at - 1 if kept.ends_at else 0)
    return {
        # As the field of a browser reads it, whatever the language is.
        "first_day": first.isoformat() if first else "",
        "last_day": last.isoformat() if last else "",
        "subject": kept.subject,
        "text": kept.text,
    }


def _day(at: int) -> date | None:
    return datetime.fromtimestamp(at, UTC).date() if at > 0 else None
