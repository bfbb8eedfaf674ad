"""An address book from a file, and as a file: /mail/contacts/import/ and contacts.vcf."""

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.files import File
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.http import content_disposition_header
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe

from apps.contacts import queries
from apps.contacts.cards.writing import OLD, VERSIONS
from apps.contacts.exports import exported
from apps.contacts.models import Contact
from apps.contacts.services import imports
from apps.contacts.services.imports import Taken
from apps.ui.streaming import Spooled, Streamed
from apps.webmail import folders as boxes
from apps.webmail.archive import safe_names
from apps.webmail.contactform import numbers
from apps.webmail.views.contacts import FORM, HERE
from apps.webmail.visitor import person
from apps.wire.errors import InvalidName, MailError, MessageTooLarge


@login_required
@require_http_methods(FORM)
def bring(request: HttpRequest) -> HttpResponse:
    """Take the cards of a file."""
    error = ""
    if request.method == "POST":
        try:
            taken = imports.take(
                user_id=person(request).pk, octets=_octets(request.FILES.get("file"))
            )
        except MailError as failed:
            error = failed.reply.text
        else:
            _tell(request, taken)
            return redirect("contacts")
    context = {
        "side": boxes.side(person(request), HERE),
        "error": error,
        "largest": imports.LARGEST,
        "count": queries.count(person(request).pk),
        "groups": queries.groups(person(request).pk),
    }
    return render(request, "webmail/contacts-import.html", context, status=422 if error else 200)


@login_required
@never_cache
@require_safe
def take_along(request: HttpRequest) -> Streamed:
    """All cards, those of a group, or one, as a file."""
    user = person(request)
    version = request.GET.get("version", OLD)
    if version not in VERSIONS:
        raise Http404
    found = numbers(request.GET, "group")
    rows, name = queries.search(user.pk, "", group=found[0] if found else None), "contacts"
    if one := numbers(request.GET, "contact"):
        rows = rows.filter(pk=one[0])
        name = _name_of(rows)
    pieces = Spooled(card.encode() for card in exported(rows, version))
    response = Streamed(pieces, content_type="text/vcard; charset=utf-8")
    response["Content-Length"] = str(pieces.size)
    disposition = content_disposition_header(True, safe_names([f"{name}.vcf"])[0])
    response["Content-Disposition"] = disposition or "attachment"
    return response


def _name_of(rows: QuerySet[Contact]) -> str:
    """Raises Http404."""
    name: str | None = rows.values_list("name", flat=True).first()
    if name is None:
        raise Http404
    return name


def _octets(file: "File[bytes] | None") -> bytes:
    """Raises InvalidName, MessageTooLarge."""
    if file is None:
        raise InvalidName("no file", text=_("Choose a file first"))
    if (file.size or 0) > imports.LARGEST:
        raise MessageTooLarge(f"{file.size} octets", text=_("This file is too large"))
    octets: bytes = file.read(imports.LARGEST)
    if b"begin:vcard" not in octets.replace(b"\0", b"").lower():
        raise InvalidName("no card", text=_("There is no contact in this file: it is no vCard"))
    return octets


def _tell(request: HttpRequest, taken: Taken) -> None:
    """What became of the file."""
    new = ngettext("%(count)d contact is new", "%(count)d contacts are new", taken.added)
    told = [new % {"count": taken.added}]
    for count, words in (
        (
            taken.replaced,
            ngettext("%(count)d is written anew", "%(count)d are written anew", taken.replaced),
        ),
        (
            taken.broken,
            ngettext(
                "%(count)d card could not be read",
                "%(count)d cards could not be read",
                taken.broken,
            ),
        ),
        (
            taken.addresses,
            ngettext(
                "%(count)d address is left out: it is no mail address",
                "%(count)d addresses are left out: they are no mail addresses",
                taken.addresses,
            ),
        ),
        (
            taken.pictures,
            ngettext(
                "%(count)d picture is left out",
                "%(count)d pictures are left out",
                taken.pictures,
            ),
        ),
    ):
        if count:
            told.append(words % {"count": count})
    messages.success(request, f"{', '.join(told)}.")
