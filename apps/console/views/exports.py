"""Files to take along: lists, templates, and what became of an import."""

from collections.abc import Iterable, Sequence
from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponseBase
from django.shortcuts import redirect
from django.utils import timezone
from django.utils.http import content_disposition_header
from django.views.decorators.http import require_safe

from apps.console.admission import for_administrators
from apps.console.exporting import EXPORTS
from apps.console.imports import find, has_passwords, results
from apps.console.imports import to_mend as lines_to_mend
from apps.console.models import Import
from apps.console.services import exports, imports
from apps.console.views.pages import administrator
from apps.directory.permissions import Powers
from apps.provisioning.bulk import writing
from apps.provisioning.bulk.columns import KINDS
from apps.ui.proving import recently_proved
from apps.ui.streaming import Spooled, Streamed
from apps.wire.errors import MailError

_EXAMPLES = {
    "users": ("anna@example.org", "Anna Example", "5 GB", "", ""),
    "aliases": ("sales@example.org", "anna@example.org, ben@example.org"),
    "domains": ("example.org", "", ""),
}


@for_administrators
@require_safe
def export(request: HttpRequest, powers: Powers) -> HttpResponseBase:
    """A list as a file, by the filters of its page."""
    # A list may have a filter of that name too; no value of it is the name of a list.
    said = request.GET.getlist("kind")
    kind = next((one for one in said if one in EXPORTS), "")
    found = EXPORTS.get(kind)
    if found is None or not powers.may(found.needs):
        raise Http404
    asked = {name: str(value) for name, value in request.GET.dict().items()}
    asked["kind"] = next((one for one in said if one not in EXPORTS), "")
    if request.method == "GET":
        exports.note(user=administrator(request), what=kind)
    return _file(found.columns, found.rows(powers, asked), f"{kind}-{timezone.now():%Y-%m-%d}.csv")


@for_administrators
@require_safe
def template(request: HttpRequest, powers: Powers) -> HttpResponseBase:
    """An empty file with the names of the columns, and a line that shows how they are meant."""
    kind = request.GET.get("kind", "users")
    if kind not in KINDS:
        raise Http404
    head = [column.words for column in KINDS[kind]]
    return _file(head, [_EXAMPLES[kind]], f"{kind}.csv")


@for_administrators
@recently_proved
@require_safe
def to_mend(request: HttpRequest, powers: Powers, job: UUID) -> HttpResponseBase:
    """The lines that were not added."""
    return _file(*lines_to_mend(_mine(request, job)), "lines-to-mend.csv")


@for_administrators
@recently_proved
@require_safe
def added(request: HttpRequest, powers: Powers, job: UUID) -> HttpResponseBase:
    """What was added, with the temporary passwords as long as they are kept."""
    found = _mine(request, job)
    if has_passwords(found) and request.method == "GET":
        try:
            imports.note_passwords(user=administrator(request), job=found)
        except MailError as error:
            messages.error(request, f"{error.reply.text}.")
            return redirect("console-import-job", found.pk)
    return _file(*results(found, powers), f"added-{found.kind}.csv")


def _file(head: Sequence[str], rows: Iterable[Iterable[object]], name: str) -> Streamed:
    pieces = Spooled(writing.pieces(head, rows))
    response = Streamed(pieces, content_type="text/csv; charset=utf-8")
    response["Content-Length"] = str(pieces.size)
    response["Content-Disposition"] = content_disposition_header(True, name) or "attachment"
    return response


def _mine(request: HttpRequest, job: UUID) -> Import:
    found = find(administrator(request), job)
    if found is None:
        raise Http404
    return found
