"""Senders that are allowed or blocked: the installation's list, and a domain's."""

import csv
from collections.abc import Iterator
from typing import Any, Final

from django.contrib import messages
from django.http import (
    Http404,
    HttpRequest,
    HttpResponse,
    HttpResponseBase,
    StreamingHttpResponse,
)
from django.shortcuts import redirect
from django.urls import reverse
from django.views.decorators.http import require_http_methods

from apps.console.admission import for_administrators
from apps.console.filters import MAX_TEXT
from apps.console.policies import senders
from apps.console.policies.finding import place_of
from apps.console.policies.places import Place
from apps.console.services import bulkacts, exports
from apps.console.typed import storable
from apps.console.views.pages import administrator, keep_and_say, show
from apps.directory.permissions import Powers
from apps.provisioning.administration import lists as doors
from apps.provisioning.administration.lists import WrongLines
from apps.provisioning.administration.policies import scope_of
from apps.provisioning.bulk.cells import safe
from apps.scan.models import Verb
from apps.scan.scopes import Scope
from apps.scan.services.lists import NOTE_LENGTH
from apps.wire.errors import MailError

MOST_LINES: Final = 500
MOST_TEXT: Final = 100_000  # characters of what is added at once
_PAST: Final = {Verb.ALLOW: "allowed", Verb.BLOCK: "blocked"}


@for_administrators
@require_http_methods(["GET", "HEAD", "POST"])
def listing(request: HttpRequest, powers: Powers, number: int | None = None) -> HttpResponseBase:
    """A list; adding to it, and removing from it."""
    place, scope = _found(powers, number)
    if request.method != "POST":
        return _page(request, powers, place)
    if request.POST.get("act") == "remove":
        return _remove(request, powers, place, scope)
    return _add(request, powers, place, scope)


@for_administrators
@require_http_methods(["GET", "HEAD"])
def export(request: HttpRequest, powers: Powers, number: int | None = None) -> HttpResponseBase:
    """All of a list, as CSV."""
    place, scope = _found(powers, number)
    name = "senders" if number is None else f"senders-{number}"
    if request.method == "GET":
        exports.note(user=administrator(request), what=f"senders, {place.name}")
    return StreamingHttpResponse(
        _lines(scope),
        content_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="{name}.csv"'},
    )


class _Echo:
    """A file that gives back what is written to it: `csv` wants one."""

    def write(self, text: str) -> str:
        return text


def _lines(scope: Scope) -> Iterator[str]:
    writer = csv.writer(_Echo(), lineterminator="\r\n")
    yield writer.writerow(("verb", "sender", "since", "note"))
    for one in senders.everything(scope):
        # A local part may begin with "=" and go on as a formula does (RFC 5322 section 3.2.3).
        yield writer.writerow((one.verb, safe(one.value), f"{one.at:%Y-%m-%d}", safe(one.note)))


def _found(powers: Powers, number: int | None) -> tuple[Place, Scope]:
    """The list in sight that may be changed; for anybody else there is none."""
    try:
        place = place_of(powers, "server" if number is None else "domain", number or 0)
        return place, scope_of(powers, domain_id=number)
    except MailError:
        raise Http404 from None


def _add(request: HttpRequest, powers: Powers, place: Place, scope: Scope) -> HttpResponseBase:
    verb, text = request.POST.get("verb", ""), request.POST.get("senders", "")
    note = request.POST.get("note", "").replace("\0", "").strip()
    errors: dict[str, Any] = {}
    lines = text.replace("\0", "").splitlines()
    if verb not in Verb.values:
        errors["verb"] = "Choose whether they are allowed or blocked."
    if not text.strip():
        errors["senders"] = "Name at least one sender."
    elif len(lines) > MOST_LINES or len(text) > MOST_TEXT:
        errors["senders"] = f"At most {MOST_LINES} lines at once."
    if len(note) > NOTE_LENGTH:
        errors["note"] = f"A note has at most {NOTE_LENGTH} characters."
    if not errors:
        try:
            return _added(request, powers, place, Verb(verb), lines, note)
        except WrongLines as error:
            errors["lines"] = error.wrong
        except MailError as error:
            errors["senders"] = f"{error.reply.text}."
    sent = {"verb": verb, "senders": text[:MOST_TEXT], "note": note[:NOTE_LENGTH]}
    return _page(request, powers, place, sent=sent, errors=errors, status=422)


def _added(
    request: HttpRequest, powers: Powers, place: Place, verb: Verb, lines: list[str], note: str
) -> HttpResponseBase:
    domain_id = None if place.domain is None else place.domain.pk
    before = {one.value: one for one in senders.named(place.scope, _values(lines))}
    added = doors.add(powers=powers, domain_id=domain_id, verb=verb, senders=lines, note=note)
    undone = []
    for one in added:
        known = before.get(one.value)
        note_before = "" if known is None else known.note
        undone.append([one.replaced or "", one.value, note_before, one.verb])
    many = f"{len(added)} senders are" if len(added) != 1 else f"{added[0].value} is"
    kept = {"domain": domain_id, "entries": undone}
    keep_and_say(request, f"{many} {_PAST[verb]} now.", what="policy.list", before=kept)
    return redirect(_url(place))


def _values(lines: list[str]) -> list[str]:
    """As most of them are kept: what is written otherwise loses its old note if it is undone."""
    return [line.strip().lower() for line in lines]


def _remove(request: HttpRequest, powers: Powers, place: Place, scope: Scope) -> HttpResponseBase:
    domain_id = None if place.domain is None else place.domain.pk
    ids = [storable(one)[:MAX_TEXT] for one in request.POST.getlist("id")[: bulkacts.MOST]]
    chosen = senders.named(scope, ids)
    removed = doors.remove(
        powers=powers, domain_id=domain_id, senders=[one.value for one in chosen]
    )
    gone = {value for _, value in removed}
    if not gone:
        messages.error(request, "No sender was removed: tick those that shall go.")
        return redirect(_url(place))
    before = [[one.verb, one.value, one.note, ""] for one in chosen if one.value in gone]
    words = "1 sender is removed." if len(gone) == 1 else f"{len(gone)} senders are removed."
    kept = {"domain": domain_id, "entries": before}
    keep_and_say(request, words, what="policy.list", before=kept)
    return redirect(_url(place))


def _page(
    request: HttpRequest,
    powers: Powers,
    place: Place,
    *,
    sent: dict[str, str] | None = None,
    errors: dict[str, Any] | None = None,
    status: int = 200,
) -> HttpResponse:
    wanted = senders.Wanted.of(request.GET.dict())
    context = {
        "place": place,
        "wanted": wanted,
        "page": senders.page(place.scope, wanted),
        "sent": sent or {},
        "errors": errors or {},
        "export": _url(place, "-export"),
        "here": _url(place),
        "note_length": NOTE_LENGTH,
        "nav": "policies",
    }
    return show(request, powers, "lists.html", context, status)


def _url(place: Place, more: str = "") -> str:
    if place.domain is None:
        return reverse(f"console-policies-lists{more}")
    return reverse(f"console-policies-domain-lists{more}", args=[place.domain.pk])
