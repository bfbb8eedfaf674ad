"""What is done with attached files, for the installation or a domain."""

from typing import Final

from django.contrib import messages
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect
from django.urls import reverse
from django.views.decorators.http import require_http_methods

from apps.console.admission import for_administrators
from apps.console.policies import files
from apps.console.policies.finding import place_of
from apps.console.policies.places import Place
from apps.console.views.pages import keep_and_say, show
from apps.directory.permissions import Powers
from apps.provisioning.administration import policies as doors
from apps.scan.attachments.policy import What
from apps.wire.errors import InUse, InvalidName, MailError

MOST_LINES: Final = 200
Undone = list[list[str]]


@for_administrators
@require_http_methods(["GET", "HEAD", "POST"])
def page(request: HttpRequest, powers: Powers, number: int | None = None) -> HttpResponseBase:
    """What is set; `act` says what is changed."""
    place = _found(powers, number)
    if request.method != "POST":
        return _page(request, powers, place)
    act = {"add": _add, "remove": _remove}.get(request.POST.get("act", ""), _sorts)
    try:
        with transaction.atomic():
            undone = act(request, powers, place)
    except MailError as error:
        status = 422 if error.http_status == 400 else error.http_status
        return _page(request, powers, place, f"{error.reply.text}.", status)
    if not undone:
        messages.info(request, "Nothing is changed.")
        return redirect(_url(place))
    before = {"domain": _domain_id(place), "entries": undone}
    words = "What is done with files is changed."
    keep_and_say(request, words, what="policy.files", before=before)
    return redirect(_url(place))


def _found(powers: Powers, number: int | None) -> Place:
    try:
        place = place_of(powers, "server" if number is None else "domain", number or 0)
        doors.scope_of(powers, domain_id=number)
    except MailError:
        raise Http404 from None
    return place


def _sorts(request: HttpRequest, powers: Powers, place: Place) -> Undone:
    """Groups and conditions, as the form has them; what is not in it stays, and so does what says
    what its page showed."""
    undone: Undone = []
    for sort in files.sorts(files.entries(place.domain), {}):
        action = request.POST.get(sort.name, sort.own)
        was = request.POST.get(f"was-{sort.name}", sort.own)
        if action in (sort.own, was):
            continue
        if was != sort.own:
            text = f"Somebody has changed what is done with “{sort.label}” meanwhile: look again"
            raise InUse("changed", text=text)
        _say(powers, place, sort.what, sort.value, action)
        undone.append([sort.what, sort.value, sort.own, action])
    return undone


def _add(request: HttpRequest, powers: Powers, place: Place) -> Undone:
    """Endings, types or kinds, one on a line."""
    what, action = request.POST.get("what", ""), request.POST.get("action", "")
    if what not in files.OTHERS or action not in files.WORDS:
        raise Http404
    known = files.entries(place.domain)
    undone: Undone = []
    values = request.POST.get("values", "").replace("\0", "").replace(",", "\n").splitlines()
    lines = [line.strip() for line in values if line.strip()]
    if len(lines) > MOST_LINES:
        raise InvalidName(f"{len(lines)} lines", text=f"At most {MOST_LINES} at once")
    for text in lines:
        value = _say(powers, place, what, text, action)
        undone.append([what, value, known.get((what, value), ""), action])
    return undone


def _remove(request: HttpRequest, powers: Powers, place: Place) -> Undone:
    chosen = set(request.POST.getlist("id"))
    own = files.others(files.entries(place.domain))
    undone: Undone = []
    for entry in [one for one in own if one.id in chosen]:
        _say(powers, place, entry.what, entry.value, "")
        undone.append([entry.what, entry.value, entry.action, ""])
    return undone


def _say(powers: Powers, place: Place, what: str, value: str, action: str) -> str:
    domain_id = _domain_id(place)
    if action:
        return doors.set_file(
            powers=powers, domain_id=domain_id, what=What(what), value=value, action=action
        )
    return doors.unset_file(powers=powers, domain_id=domain_id, what=What(what), value=value)


def _domain_id(place: Place) -> int | None:
    return None if place.domain is None else place.domain.pk


def _url(place: Place) -> str:
    if place.domain is None:
        return reverse("console-policies-files")
    return reverse("console-policies-domain-files", args=[place.domain.pk])


def _page(
    request: HttpRequest, powers: Powers, place: Place, trouble: str = "", status: int = 200
) -> HttpResponse:
    own = files.entries(place.domain)
    wider = {} if place.domain is None else files.entries(None)
    context = {
        "place": place,
        "sorts": [(one, request.POST.get(one.name, one.own)) for one in files.sorts(own, wider)],
        "own": files.others(own),
        "actions": files.WORDS,
        "others": files.OTHERS,
        "sent": request.POST,
        "trouble": trouble,
        "nav": "policies",
    }
    return show(request, powers, "policies-files.html", context, status)
