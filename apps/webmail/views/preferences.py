"""How the webmail looks and in which language: one form that works without script.

With script each control is saved as it is changed, by the same door: a form that names some
settings changes those and no others. A box that is not ticked is not sent at all, so each brings
its name in `switches`.
"""

from typing import Final

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.utils import translation
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from apps.ui.answers import wants_page
from apps.webmail import nextpage, preferences
from apps.webmail.services import preferences as door
from apps.webmail.visitor import person
from apps.wire.errors import MailError

WORDS: Final = ("layout", "density", "theme", "language", "time_zone")
SWITCHES: Final = ("has_conversations", "has_shortcuts", "marks_read", "writes_plain")
NUMBERS: Final = ("undo_seconds",)


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def general(request: HttpRequest) -> HttpResponse:
    """Show the form, or take it."""
    if request.method != "POST":
        return _page(request)
    try:
        saved = door.change(user_id=person(request).pk, **_wanted(request))
    except MailError as error:
        if not wants_page(request):
            return JsonResponse({"error": error.reply.text}, status=422)
        messages.error(request, error.reply.text)
        return _page(request, status=422)
    preferences.forget(request)
    if not wants_page(request):
        return JsonResponse({"text": _("Saved")})
    with translation.override(saved.language or translation.get_language()):
        messages.success(request, _("Saved"))
    return redirect(nextpage.asked(request) or "settings-general")


def _wanted(request: HttpRequest) -> dict[str, str | bool | int]:
    sent = request.POST
    wanted: dict[str, str | bool | int] = {name: sent[name] for name in WORDS if name in sent}
    wanted.update({name: _number(sent[name]) for name in NUMBERS if name in sent})
    named = sent.getlist("switches")
    wanted.update({name: name in sent for name in SWITCHES if name in named})
    return wanted


def _number(text: str) -> int:
    """-1 for what is none: the service says that there is no such setting."""
    return int(text) if text.isascii() and text.isdigit() and len(text) < 5 else -1


def _page(request: HttpRequest, status: int = 200) -> HttpResponse:
    context = {
        "page": "settings-general",
        "languages": settings.LANGUAGES,
        "time_zones": door.time_zones(),
        "undo_choices": door.UNDO_SECONDS,
    }
    return render(request, "webmail/settings-general.html", context, status=status)
