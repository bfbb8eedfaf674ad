"""Groups of contacts: /mail/contacts/groups/."""

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from apps.contacts import queries
from apps.contacts.cards.card import GROUP
from apps.contacts.queries import Group
from apps.contacts.services import groups
from apps.webmail import folders as boxes
from apps.webmail.folderform import PlaceForm
from apps.webmail.views.contacts import FORM, HERE
from apps.webmail.visitor import person
from apps.wire.errors import MailError


@login_required
@require_http_methods(FORM)
def new(request: HttpRequest) -> HttpResponse:
    """Make a group."""
    form = PlaceForm.of(request.POST)
    if request.method == "POST":
        try:
            made = groups.create(user_id=person(request).pk, name=form.name)
        except MailError as error:
            form.error = error.reply.text
        else:
            messages.success(request, _("The group “%(name)s” is made.") % {"name": made.name})
            return redirect(f"{reverse('contacts')}?group={made.pk}")
    return _form(request, form)


@login_required
@require_http_methods(FORM)
def group(request: HttpRequest, number: int) -> HttpResponse:
    """Call a group otherwise."""
    one = _asked(request, number)
    form = PlaceForm(name=one.name)
    if request.method == "POST":
        form = PlaceForm.of(request.POST)
        try:
            groups.rename(user_id=person(request).pk, group_id=one.id, name=form.name)
        except MailError as error:
            form.error = error.reply.text
        else:
            messages.success(request, _("Saved."))
            return redirect(f"{reverse('contacts')}?group={one.id}")
    return _form(request, form, one)


@login_required
@require_http_methods(FORM)
def delete(request: HttpRequest, number: int) -> HttpResponse:
    """Ask, and forget a group; those in it stay."""
    one = _asked(request, number)
    if request.method != "POST":
        context = {"group": one, "side": boxes.side(person(request), HERE)}
        return render(request, "webmail/contacts-group-delete.html", context)
    try:
        groups.delete(user_id=person(request).pk, group_id=one.id)
    except MailError as error:
        messages.error(request, error.reply.text)
    else:
        messages.success(request, _("The group “%(name)s” is deleted.") % {"name": one.name})
    return redirect("contacts")


def _asked(request: HttpRequest, number: int) -> Group:
    """The group that the address names, or 404."""
    for one in queries.groups(person(request).pk):
        if one.id == number:
            return one
    raise Http404


def _form(request: HttpRequest, form: PlaceForm, one: Group | None = None) -> HttpResponse:
    context = {
        "form": form,
        "group": one,
        "longest": GROUP,
        "side": boxes.side(person(request), HERE),
    }
    status = 422 if form.error else 200
    return render(request, "webmail/contacts-group.html", context, status=status)
