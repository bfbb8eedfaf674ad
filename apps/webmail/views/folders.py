"""The folders of a person, and those of others that they may read: /mail/folders/."""

from typing import Any, Final

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from apps.webmail import folders as boxes
from apps.webmail.folderform import PlaceForm
from apps.webmail.folders import Folder, Side
from apps.webmail.labels import HUES
from apps.webmail.services import looks, places
from apps.webmail.visitor import origin, person
from apps.wire.errors import MailError

FORM: Final = ["GET", "HEAD", "POST"]
_HERE_MAX: Final = 200  # characters


@login_required
@require_safe
def side(request: HttpRequest) -> HttpResponse:
    """What stands beside the list, alone."""
    here = request.GET.get("here", "")[:_HERE_MAX]
    return render(request, "webmail/_side_nav.html", {"side": boxes.side(person(request), here)})


@login_required
@require_safe
def home(request: HttpRequest) -> HttpResponse:
    """All folders, with what can be done with each."""
    found = boxes.side(person(request), "folders")
    own = boxes.in_order([*found.folders, *found.more])
    shared = boxes.in_order([*found.shared, *found.hidden])
    context = {"side": found, "own": own, "shared": shared}
    return render(request, "webmail/folders.html", context)


@login_required
@require_http_methods(FORM)
def new(request: HttpRequest) -> HttpResponse:
    """Make a folder."""
    user = person(request)
    found = boxes.side(user, "folders")
    form = PlaceForm.of(request.POST if request.method == "POST" else request.GET)
    if request.method == "POST":
        try:
            places.create(
                user_id=user.pk, name=form.name, inside=form.place(found), hue=form.colour
            )
        except MailError as error:
            form.error = error.reply.text
        else:
            messages.success(request, _("“%(name)s” is made.") % {"name": form.name.strip()})
            return redirect("folders")
    parents = [one for one in found.all if one.may("k")]
    context = {"side": found, "form": form, "parents": parents, "hues": HUES}
    return _form(request, "folder-new.html", context)


@login_required
@require_http_methods(FORM)
def folder(request: HttpRequest, number: int) -> HttpResponse:
    """Rename a folder, move it, give it a colour."""
    user = person(request)
    found = boxes.side(user, "folders")
    box = _picked(found, number)
    form = PlaceForm(*_split(found, box), str(box.hue))
    if request.method == "POST":
        form = PlaceForm.of(request.POST)
        try:
            _change(request, found, box, form)
        except MailError as error:
            form.error = error.reply.text
        else:
            messages.success(request, _("Saved."))
            return redirect("folders")
    context = {
        "side": found,
        "box": box,
        "form": form,
        "parents": _parents(found, box),
        "hues": HUES,
        "is_fixed": bool(box.owner or box.special_use),
    }
    return _form(request, "folder-edit.html", context)


@login_required
@require_http_methods(FORM)
def delete(request: HttpRequest, number: int) -> HttpResponse:
    """Ask, and delete a folder."""
    found = boxes.side(person(request), "folders")
    box = _picked(found, number)
    error = ""
    if request.method == "POST":
        try:
            places.delete(folder=box, origin=origin(request))
        except MailError as refusal:
            error = refusal.reply.text
        else:
            messages.success(request, _("“%(name)s” is deleted.") % {"name": box.name})
            return redirect("folders")
    below = sum(one.path.startswith(f"{box.path}/") and one.owner == box.owner for one in found.all)
    context = {"side": found, "box": box, "below": below, "error": error}
    return render(request, "webmail/folder-delete.html", context, status=422 if error else 200)


@login_required
@require_POST
def sight(request: HttpRequest, number: int) -> HttpResponse:
    """Show a folder beside the list, or hide it."""
    user = person(request)
    box = _picked(boxes.side(user), number)
    change = places.show if request.POST.get("show") == "1" else places.hide
    try:
        change(user_id=user.pk, folder=box)
    except MailError as error:
        messages.error(request, error.reply.text)
    return redirect("folders")


def _change(request: HttpRequest, found: Side, box: Folder, form: PlaceForm) -> None:
    """Raises MailError."""
    user, hue = person(request), form.colour
    if not (box.owner or box.special_use):
        places.move(
            user_id=user.pk,
            folder=box,
            name=form.name,
            inside=form.place(found),
            origin=origin(request),
        )
    if hue or box.is_subscribed:  # one without a colour that is hidden stays so
        looks.colour(user_id=user.pk, mailbox_id=box.id, hue=hue)


def _picked(found: Side, number: int) -> Folder:
    for one in found.all:
        if one.id == number:
            return one
    raise Http404


def _split(found: Side, box: Folder) -> tuple[str, str]:
    """What a folder is called in the nearest folder above, and the id of that, "" for the top."""
    own = [one for one in found.all if not one.owner and box.path.startswith(f"{one.path}/")]
    if box.owner or not own:
        return box.path, ""
    above = max(own, key=lambda one: len(one.path))
    return box.path.removeprefix(f"{above.path}/"), str(above.id)


def _parents(found: Side, box: Folder) -> list[Folder]:
    """Where it can be put: in all of one's own but itself and those in it."""
    own = [*found.folders, *found.more]
    return [one for one in own if f"{one.path}/".find(f"{box.path}/") != 0]


def _form(request: HttpRequest, template: str, context: dict[str, Any]) -> HttpResponse:
    status = 422 if context["form"].error else 200
    return render(request, f"webmail/{template}", context, status=status)
