"""What is answered while a person is away: one form that works without script."""

from typing import Any, Final

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods

from apps.delivery.vacation import send_test
from apps.mime.address import Address, display_domain
from apps.runtime.clock import now
from apps.sieve import queries, services
from apps.sieve.models import Audience, Vacation
from apps.sieve.services import Wish
from apps.webmail import minutes, rows
from apps.webmail.visitor import person
from apps.wire.errors import MailError, Refused

_DAY: Final = 86_400


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def home(request: HttpRequest) -> HttpResponse:
    """Show the form, keep it, or send what it says to who fills it in."""
    user = person(request)
    if request.method != "POST":
        return _page(request, queries.of_user(user.pk))
    is_test = request.POST.get("do") == "test"
    try:
        wish = _wish(request)
        if is_test:
            kept = services.tidy(wish)
            if not kept.text:
                raise Refused("text", text=_("Write what people are to be told."))
            send_test(user, subject=kept.subject, text=kept.text)
        else:
            services.keep(user_id=user.pk, wish=wish)
    except MailError as error:
        return _page(request, _typed(request), error=error)
    if is_test:
        messages.success(request, _("A test is on its way to your inbox. Nothing was saved."))
        return _page(request, _typed(request))
    messages.success(request, _("Saved"))
    return redirect("settings-vacation")


def _wish(request: HttpRequest) -> Wish:
    sent = request.POST
    return Wish(
        is_on="is_on" in sent,
        starts_at=_minute(sent.get("starts", "")),
        ends_at=_minute(sent.get("ends", "")),
        subject=sent.get("subject", ""),
        text=sent.get("text", ""),
        audience=sent.get("audience", ""),
        outside_text=sent.get("outside_text", ""),
        days=_days(sent.get("days", "")),
    )


def _minute(text: str) -> int:
    """Raises Refused."""
    if not text.strip():
        return 0
    seconds = minutes.read(text, timezone.get_current_timezone())
    if seconds is None:
        raise Refused("dates", text=_("This is no date and time."))
    return seconds


def _days(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 4 else 0


def _typed(request: HttpRequest) -> Vacation:
    """What was sent, for the page that shows it again; nothing of it is kept."""
    sent = request.POST
    zone = timezone.get_current_timezone()
    return Vacation(
        user_id=person(request).pk,
        is_on="is_on" in sent,
        starts_at=minutes.read(sent.get("starts", ""), zone) or 0,
        ends_at=minutes.read(sent.get("ends", ""), zone) or 0,
        subject=sent.get("subject", ""),
        text=sent.get("text", ""),
        audience=sent.get("audience", ""),
        outside_text=sent.get("outside_text", ""),
        days=_days(sent.get("days", "")),
    )


def _page(request: HttpRequest, shown: Vacation, *, error: MailError | None = None) -> HttpResponse:
    zone = timezone.get_current_timezone()
    context: dict[str, Any] = {
        "page": "settings-vacation",
        "vacation": shown,
        "starts": minutes.write(shown.starts_at, zone),
        "ends": minutes.write(shown.ends_at, zone),
        "audiences": Audience,
        "all_days": services.DAYS,
        "subject_most": services.SUBJECT_MOST,
        "text_most": services.TEXT_MOST,
        "domain": display_domain(Address.parse(person(request).address).domain),
        "zone": timezone.get_current_timezone_name(),
        "error": error.reply.text if error else "",
        "error_field": error.detail if error else "",
        **_standing(queries.of_user(person(request).pk)),
    }
    return render(request, "webmail/settings-vacation.html", context, status=422 if error else 200)


def _standing(kept: Vacation) -> dict[str, Any]:
    """Where the answers stand, of what is kept: not what was typed."""
    at = now()
    found: dict[str, Any] = {"standing": ""}
    if not kept.is_on:
        return found
    if kept.ends_at and kept.ends_at <= at:
        found["standing"] = "over"
    elif kept.starts_at > at:
        count = -(-(kept.starts_at - at) // _DAY)
        found["standing"] = "waits"
        found["starts_in"] = ngettext(
            "Starts within a day.", "Starts in %(count)d days.", count
        ) % {"count": count}
    else:
        found["standing"] = "runs"
    if kept.starts_at:
        found["from_at"] = rows.moment(kept.starts_at)
    if kept.ends_at:
        found["until_at"] = rows.moment(kept.ends_at)
    return found
