"""A person's labels: /mail/labels/. One that another program made has no number: all are called by
their keyword, which stands behind a question mark, since it may hold anything."""

from typing import Any, Final

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods, require_safe

from apps.webmail import folders as boxes
from apps.webmail import labels
from apps.webmail.folderform import PlaceForm
from apps.webmail.labels import HUES, LabelView
from apps.webmail.services import labels as services
from apps.webmail.visitor import origin, person
from apps.wire.errors import MailError

FORM: Final = ["GET", "HEAD", "POST"]


@login_required
@require_safe
def home(request: HttpRequest) -> HttpResponse:
    """All labels."""
    found = boxes.side(person(request), "labels")
    context = {"side": found, "most": services.MOST}
    return render(request, "webmail/labels.html", context)


@login_required
@require_http_methods(FORM)
def new(request: HttpRequest) -> HttpResponse:
    """Make a label."""
    user = person(request)
    form = PlaceForm.of(request.POST)
    if request.method == "POST":
        try:
            made = services.create(user_id=user.pk, name=form.name, hue=form.colour or None)
        except MailError as error:
            form.error = error.reply.text
        else:
            messages.success(request, _("The label “%(name)s” is made.") % {"name": made.name})
            return redirect("labels")
    return _form(request, "label-new.html", {"form": form, "hues": HUES})


@login_required
@require_http_methods(FORM)
def label(request: HttpRequest) -> HttpResponse:
    """Call a label otherwise, or give it another colour."""
    one = _asked(request)
    form = PlaceForm(name=one.name, hue=str(one.hue))
    if request.method == "POST":
        form = PlaceForm.of(request.POST)
        try:
            _change(person(request).pk, one, form)
        except MailError as error:
            form.error = error.reply.text
        else:
            messages.success(request, _("Saved."))
            return redirect("labels")
    return _form(request, "label-edit.html", {"form": form, "hues": HUES, "label": one})


@login_required
@require_http_methods(FORM)
def delete(request: HttpRequest) -> HttpResponse:
    """Ask, and take a label off all messages."""
    one = _asked(request)
    if request.method != "POST":
        return render(request, "webmail/label-delete.html", {"label": one})
    try:
        left = services.delete(
            user_id=person(request).pk, keyword=one.keyword, origin=origin(request)
        )
    except MailError as error:
        messages.error(request, error.reply.text)
        return redirect("labels")
    if left:
        words = ngettext(
            "It took too long: %(count)d message has the label still. Delete it again.",
            "It took too long: %(count)d messages have the label still. Delete it again.",
            left,
        )
        messages.warning(request, words % {"count": left})
    else:
        messages.success(request, _("The label “%(name)s” is deleted.") % {"name": one.name})
    return redirect("labels")


def _change(user_id: int, one: LabelView, form: PlaceForm) -> None:
    """Raises MailError."""
    if one.id is None:
        services.create(
            user_id=user_id, name=form.name, hue=form.colour or one.hue, keyword=one.keyword
        )
        return
    services.change(user_id=user_id, label_id=one.id, name=form.name, hue=form.colour or one.hue)


def _asked(request: HttpRequest) -> LabelView:
    """The label that the address names, or 404."""
    keyword = request.GET.get("keyword", "").lower()
    for one in labels.of_user(person(request).pk):
        if one.keyword.lower() == keyword:
            return one
    raise Http404


def _form(request: HttpRequest, template: str, context: dict[str, Any]) -> HttpResponse:
    status = 422 if context["form"].error else 200
    return render(request, f"webmail/{template}", context, status=status)
