"""Policies of the installation, a domain or a user: one page for all of them.

A form that was sent is shown first as what it would change (`policies-review.html`); the second
step does it, if nobody has changed the same meanwhile.
"""

from collections.abc import Mapping
from typing import Any

from django.conf import settings
from django.contrib import messages
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect
from django.views.decorators.http import require_http_methods

from apps.console.admission import for_administrators
from apps.console.policies import changes, senders, standing
from apps.console.policies.changes import Sent
from apps.console.policies.fields import LIMITS, THRESHOLDS, shown
from apps.console.policies.finding import place_of
from apps.console.policies.places import Place
from apps.console.policies.standing import Standing
from apps.console.services import bulkacts
from apps.console.userlist import domain_choices
from apps.console.views.pages import administrator, say_undoable, show
from apps.directory.permissions import Ability, Powers
from apps.directory.services.domains import domain_name
from apps.provisioning.administration.sight import find_named
from apps.scan.models import AttachmentPolicy
from apps.wire.errors import MailError, NotFound

Standings = Mapping[str, Standing]


@for_administrators
@require_http_methods(["GET", "HEAD", "POST"])
def everywhere(request: HttpRequest, powers: Powers) -> HttpResponseBase:
    """Of the installation; with `domain`, the page of the domain that is named."""
    if request.method != "POST" and (name := request.GET.get("domain", "").strip()):
        return _go(request, powers, name)
    return _answer(request, powers, "server", 0)


@for_administrators
@require_http_methods(["GET", "HEAD", "POST"])
def domain(request: HttpRequest, powers: Powers, number: int) -> HttpResponseBase:
    """Of a domain."""
    return _answer(request, powers, "domain", number)


@for_administrators
@require_http_methods(["GET", "HEAD", "POST"])
def user(request: HttpRequest, powers: Powers, number: int) -> HttpResponseBase:
    """Of a user."""
    return _answer(request, powers, "user", number)


def place_or_404(powers: Powers, kind: str, number: int) -> Place:
    """A place whose policies somebody may change, or read."""
    try:
        return place_of(powers, kind, number)
    except NotFound:
        raise Http404 from None


def _answer(request: HttpRequest, powers: Powers, kind: str, number: int) -> HttpResponseBase:
    place = place_or_404(powers, kind, number)
    if place.domain is not None and place.domain.alias_of_id is not None:
        return redirect("console-policies-domain", place.domain.alias_of_id)
    standings = standing.of_place(place, place.rights(powers))
    if request.method != "POST":
        return _page(request, powers, place, standings)
    if not any(one.may for one in standings.values()):
        trouble = "Only who runs this service changes that."
        return _page(request, powers, place, standings, trouble=trouble, status=403)
    sent = changes.read(standings, request.POST.dict())
    if sent.errors:
        return _page(request, powers, place, standings, sent=sent, status=422)
    if not sent.wanted:
        messages.info(request, "Nothing is changed: all values were so.")
        return redirect(place.url)
    return _review(request, powers, place, standings, sent)


def _review(
    request: HttpRequest, powers: Powers, place: Place, standings: Standings, sent: Sent
) -> HttpResponseBase:
    """Show what would be changed; do it, if that is what was shown."""
    found = changes.differences(place, standings, sent.wanted)
    seen = "; ".join(f"{one.field.name} {one.before}" for one in found)
    is_confirmed = request.POST.get("confirm") == "1"
    if not is_confirmed or request.POST.get("seen") != seen:
        context = {
            "place": place,
            "found": [(one, shown(one.field, one.after)) for one in found],
            "seen": seen,
            "is_stale": is_confirmed,
            "nav": "policies",
        }
        return show(request, powers, "policies-review.html", context)
    try:
        with transaction.atomic():
            changes.apply(powers, place, sent.wanted)
            act = bulkacts.keep(
                user=administrator(request), what="policy.change", before=changes.kept(place, found)
            )
    except NotFound:
        raise Http404 from None
    except MailError as error:
        trouble, status = f"{error.reply.text}.", error.http_status
        return _page(request, powers, place, standings, sent=sent, trouble=trouble, status=status)
    words = "1 policy is changed." if len(found) == 1 else f"{len(found)} policies are changed."
    say_undoable(request, words, act.pk)
    return redirect(place.url)


def _page(
    request: HttpRequest,
    powers: Powers,
    place: Place,
    standings: Standings,
    *,
    sent: Sent | None = None,
    trouble: str = "",
    asked: str = "",
    status: int = 200,
) -> HttpResponse:
    texts = {} if sent is None else sent.texts
    errors = {} if sent is None else sent.errors

    def rows(of: Any) -> list[tuple[Standing, str, str]]:
        known = (standings[one.name] for one in of if one.name in standings)
        return [
            (one, texts.get(one.field.name, one.text), errors.get(one.field.name, ""))
            for one in known
        ]

    has_tables = place.domain is not None or (place.kind == "server" and powers.is_operator)
    context = {
        "place": place,
        "spam": rows(THRESHOLDS),
        "sending": rows(LIMITS),
        "may": any(one.may for one in standings.values()),
        "trouble": trouble,
        "asked": asked,
        "domains": domain_choices(powers),
        "senders": senders.count(place.scope) if has_tables else None,
        "files": AttachmentPolicy.objects.filter(domain=place.domain).count() if has_tables else 0,
        "settings": _settings() if place.kind == "server" else (),
        "is_operator": powers.is_operator,
        "nav": "policies",
    }
    return show(request, powers, "policies.html", context, status)


def _go(request: HttpRequest, powers: Powers, text: str) -> HttpResponseBase:
    """To the page of a domain that somebody has typed or chosen."""
    place = place_or_404(powers, "server", 0)
    try:
        found = find_named(powers, domain_name(text[:253].replace("\0", "")))
        if powers.may(Ability.CHANGE_POLICIES, found):
            return redirect("console-policies-domain", found.pk)
        trouble = "Your role does not reach the policies of this domain."
    except MailError as error:
        trouble = f"{error.reply.text}."
    standings = standing.of_place(place, place.rights(powers))
    return _page(request, powers, place, standings, asked=text[:253], trouble=trouble, status=404)


def _settings() -> list[tuple[str, str, str]]:
    """What only the settings decide: words, the value, the name of the setting."""
    limit = settings.MESSAGE_SIZE_LIMIT / (1 << 20)
    return [
        ("Largest message", f"{limit:.10g} MB", "MESSAGE_SIZE_LIMIT"),
        ("Shortest password", f"{settings.PASSWORD_LENGTH} characters", "PASSWORD_LENGTH"),
        ("Who needs a second factor", settings.SECOND_FACTOR, "SECOND_FACTOR"),
        ("Quarantine is kept for", f"{settings.QUARANTINE_DAYS} days", "QUARANTINE_DAYS"),
        ("Digests of quarantine", settings.QUARANTINE_DIGEST, "QUARANTINE_DIGEST"),
        ("A user's messages per hour", _most("MESSAGES_PER_HOUR"), "SEND_MESSAGES_PER_HOUR"),
        ("A user's messages per day", _most("MESSAGES_PER_DAY"), "SEND_MESSAGES_PER_DAY"),
        ("A user's recipients per hour", _most("RECIPIENTS_PER_HOUR"), "SEND_RECIPIENTS_PER_HOUR"),
        ("A user's recipients per day", _most("RECIPIENTS_PER_DAY"), "SEND_RECIPIENTS_PER_DAY"),
        (
            "Recipients of one message",
            _most("RECIPIENTS_PER_MESSAGE"),
            "SEND_RECIPIENTS_PER_MESSAGE",
        ),
    ]


def _most(name: str) -> str:
    value: int = getattr(settings, f"SEND_{name}")
    return f"{value:,}" if value else "no limit"
