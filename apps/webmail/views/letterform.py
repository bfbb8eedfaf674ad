"""The form of a letter: taken and saved, whichever of its buttons was pressed, and shown again
where something is wrong with it."""

from typing import Any, Final, cast
from uuid import UUID

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.utils.cache import patch_vary_headers

from apps.ui.answers import wants_page
from apps.webmail import composing
from apps.webmail import folders as boxes
from apps.webmail.models import Draft
from apps.webmail.services import draftfiles, drafts
from apps.webmail.services.draftfiles import Upload
from apps.webmail.services.drafts import Overtaken, save
from apps.webmail.visitor import origin, person
from apps.webmail.writing import fields as typed
from apps.webmail.writing.fields import FieldRefused, Fields
from apps.wire.errors import Gone, MailError, NotFound, Temporary

_LARGEST: Final = 2**31  # of a revision, and of a part's number
_MOST_CARRIED: Final = 200
_SAVED: Final = "_saved_letter"  # what this request has saved, whatever it was refused afterwards


def saved(request: HttpRequest, draft_id: UUID) -> Draft:
    """Save what the form says, with files that came along, without one that a button removes.

    Raises:
        FieldRefused, and as `draftfiles.attach` and `drafts.save`.
    """
    user, form = person(request), request.POST
    fields = typed.taken(form)
    if (file_id := _id(form.get("remove"))) is not None:
        draftfiles.remove(user_id=user.pk, draft_id=draft_id, file_id=file_id)
    if uploads := request.FILES.getlist("attach"):
        # Of a form, and so with a name and a size that are read alone.
        given = cast("list[Upload]", uploads)
        draftfiles.attach(user_id=user.pk, draft_id=draft_id, uploads=given)
    draft = save(
        user=user,
        draft_id=draft_id,
        revision=_number(form.get("revision", "0")),
        fields=fields,
        origin=origin(request),
        kind=str(form.get("kind", "")),
        source=str(form.get("source", ""))[:40],
        carry=tuple(_number(one) for one in form.getlist("carry")[:_MOST_CARRIED]),
    )
    setattr(request, _SAVED, draft)
    return draft


def refused(request: HttpRequest, draft_id: UUID, error: MailError) -> HttpResponse:
    """JSON for a script. For others the form again, as they filled it in, with what is wrong; what
    is gone or away gets the page of trouble."""
    if not wants_page(request):
        told = _as_json(error)
        if isinstance(done := getattr(request, _SAVED, None), Draft):
            told["revision"] = done.revision
        return JsonResponse(told, status=error.http_status)
    if isinstance(error, NotFound | Gone) or (
        isinstance(error, Temporary) and error.http_status == 503
    ):
        raise error
    shown = error.draft if isinstance(error, Overtaken) else _row(request, draft_id)
    context = composing.typed(request, shown, _fields(request))
    context["error"] = error.reply.text
    if isinstance(error, FieldRefused):
        context |= {"error_field": error.field, "asks": error.asks}
    return page(request, context, status=error.http_status)


def page(request: HttpRequest, context: dict[str, Any], *, status: int = 200) -> HttpResponse:
    """The page of a letter; a script gets the composer alone."""
    is_part = "HX-Request" in request.headers
    if not is_part:
        context["side"] = boxes.side(person(request))
    template = "webmail/_composer.html" if is_part else "webmail/compose.html"
    response = render(request, template, context, status=status)
    patch_vary_headers(response, ["HX-Request"])
    return response


def _as_json(error: MailError) -> dict[str, Any]:
    told: dict[str, Any] = {"error": error.reply.text}
    if isinstance(error, FieldRefused):
        told["field"] = error.field
        if error.asks:
            told["ask"] = True
    if isinstance(error, Overtaken):
        told["revision"] = error.draft.revision
        told["fields"] = drafts.fields_of(error.draft).as_form()
    return told


def _row(request: HttpRequest, draft_id: UUID) -> Draft:
    """The letter as it was saved last, or one that stands nowhere yet."""
    try:
        return drafts.find(person(request).pk, draft_id)
    except NotFound:
        return Draft(id=draft_id, user=person(request), kind=str(request.POST.get("kind", "")))


def _fields(request: HttpRequest) -> Fields:
    """What can be shown of what was typed: a field that is too long is cut."""
    kept = {name: str(request.POST.get(name, "")) for name in request.POST}
    for name, most in typed.LONGEST.items():
        kept[name] = kept.get(name, "")[:most]
    return typed.taken(kept)


def _id(text: object) -> UUID | None:
    """The id of a file from a form; None for what is none."""
    try:
        return UUID(str(text))
    except ValueError:
        return None


def _number(text: object) -> int:
    """A count from a form; 0 for what is none."""
    digits = str(text)[:11]
    number = int(digits) if digits.isascii() and digits.isdecimal() else 0
    return number if number < _LARGEST else 0
