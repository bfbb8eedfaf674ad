"""The address book: /mail/contacts/."""

from typing import Any, Final
from urllib.parse import urlencode

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from apps.contacts import queries
from apps.contacts.cards.card import Way
from apps.contacts.exports import card_of
from apps.contacts.models import Contact
from apps.contacts.services import contacts, groups
from apps.mime.address import Address, AddressError
from apps.webmail import collected as written
from apps.webmail import folders as boxes
from apps.webmail.contactform import EMAIL_KINDS, PHONE_KINDS, ContactForm, numbers
from apps.webmail.visitor import person
from apps.wire.errors import MailError

HERE: Final = "contacts"
FORM: Final = ["GET", "HEAD", "POST"]
QUERY: Final = 200  # characters of a search


@login_required
@require_safe
def home(request: HttpRequest) -> HttpResponse:
    """All contacts by name, those of a group, or those in which words are found."""
    user = person(request)
    query = request.GET.get("q", "").replace("\0", "")[:QUERY]
    have = queries.groups(user.pk)
    number = (numbers(request.GET, "group") or [0])[0]
    group = next((one for one in have if one.id == number), None)
    if number and group is None:
        raise Http404
    after = queries.place_of(user.pk, (numbers(request.GET, "after") or [0])[0])
    rows = queries.page(user.pk, query, group=group.id if group else None, after=after)
    following = rows[queries.PAGE - 1].pk if len(rows) > queries.PAGE else None
    context = {
        "side": boxes.side(user, HERE),
        "query": query,
        "groups": have,
        "group": group,
        "rows": rows[: queries.PAGE],
        "here": _address(query, group.id if group else 0),
        "is_later": after is not None,
        "following": following,
        "count": queries.count(user.pk),
    }
    return render(request, "webmail/contacts.html", context)


@login_required
@require_http_methods(FORM)
def new(request: HttpRequest) -> HttpResponse:
    """Write a card. Name and address may stand in the address of the page; whoever is known by
    that address has a card already, which is shown."""
    address = request.GET.get("address", "")[:320]
    if request.method != "POST" and address:
        known = queries.with_address(person(request).pk, _key_of(address))
        if known is not None:
            return redirect("contact", known)
    form = ContactForm(
        name=request.GET.get("name", "")[:QUERY],
        emails=[Way(address)] if address else [],
        groups=numbers(request.GET, "group"),
    )
    if request.method == "POST":
        form = ContactForm.of(request.POST)
        try:
            made = contacts.create(
                user_id=person(request).pk, card=form.card, group_ids=form.groups
            )
        except MailError as error:
            form.error = error.reply.text
        else:
            messages.success(request, _("“%(name)s” is in your contacts.") % {"name": made.name})
            return redirect("contacts")
    return _form(request, form)


@login_required
@require_http_methods(FORM)
def contact(request: HttpRequest, number: int) -> HttpResponse:
    """See a card and write it anew."""
    row = _asked(request, number)
    form = ContactForm.of_card(card_of(row), [one.pk for one in row.groups.all()])
    if request.method == "POST":
        form = ContactForm.of(request.POST)
        try:
            contacts.change(
                user_id=person(request).pk,
                contact_id=row.pk,
                card=form.card,
                group_ids=form.groups,
            )
        except MailError as error:
            form.error = error.reply.text
        else:
            messages.success(request, _("Saved."))
            return redirect("contacts")
    return _form(request, form, row)


@login_required
@require_POST
def acts(request: HttpRequest) -> HttpResponse:
    """Do something with the chosen ones: delete them, put them into a group or take them out."""
    user, chosen = person(request), numbers(request.POST, "contact")
    verb, _colon, number = request.POST.get("do", "").partition(":")
    back = _back(request)
    if not chosen:
        messages.error(request, _("Choose contacts first."))
    elif verb == "delete":
        return _delete(request, chosen, back)
    elif verb in ("add", "remove") and number.isascii() and number.isdecimal():
        act = groups.add if verb == "add" else groups.take_out
        try:
            done = act(user_id=user.pk, group_id=int(number[:18]), contact_ids=chosen)
        except MailError as error:
            messages.error(request, error.reply.text)
        else:
            messages.success(request, _moved(verb, done))
    else:
        messages.error(request, _("Choose what to do with them."))
    return redirect(back)


@login_required
@require_http_methods(FORM)
def collected(request: HttpRequest) -> HttpResponse:
    """Whom the person wrote to, and who is in no card yet."""
    user = person(request)
    if request.method == "POST":
        address, name = request.POST.get("address", ""), request.POST.get("name", "")
        try:
            made = contacts.collect(user_id=user.pk, address=address[:320], name=name[:QUERY])
        except MailError as error:
            messages.error(request, error.reply.text)
        else:
            messages.success(request, _("“%(name)s” is in your contacts.") % {"name": made.name})
        return redirect("contacts-collected")
    context = {"side": boxes.side(user, HERE), "rows": written.collected(user.pk)}
    context["groups"] = queries.groups(user.pk)
    return render(request, "webmail/contacts-collected.html", context)


def _key_of(text: str) -> str:
    """The key of an address; of a text that is none, something that nobody is known by."""
    try:
        return Address.parse(text).key
    except AddressError:
        return ""


def _delete(request: HttpRequest, chosen: list[int], back: str) -> HttpResponse:
    """Ask, and delete."""
    user = person(request)
    if request.POST.get("sure") != "1":
        rows = queries.named(user.pk, chosen)
        if not rows:
            messages.error(request, _("These contacts are not there any more."))
            return redirect(back)
        context = {"side": boxes.side(user, HERE), "rows": rows, "back": back}
        return render(request, "webmail/contacts-delete.html", context)
    done = contacts.delete(user_id=user.pk, contact_ids=chosen)
    words = ngettext("%(count)d contact is deleted.", "%(count)d contacts are deleted.", done)
    messages.success(request, words % {"count": done})
    return redirect(back)


def _moved(verb: str, done: int) -> str:
    if verb == "add":
        words = ngettext(
            "%(count)d contact is in the group.", "%(count)d contacts are in the group.", done
        )
    else:
        words = ngettext(
            "%(count)d contact is out of the group.",
            "%(count)d contacts are out of the group.",
            done,
        )
    return words % {"count": done}


def _asked(request: HttpRequest, number: int) -> Contact:
    """The card that the address names, or 404."""
    row = queries.find(person(request).pk, number)
    if row is None:
        raise Http404
    return row


def _form(request: HttpRequest, form: ContactForm, row: Contact | None = None) -> HttpResponse:
    user = person(request)
    context: dict[str, Any] = {
        "side": boxes.side(user, HERE),
        "form": form,
        "contact": row,
        "groups": queries.groups(user.pk),
        "email_kinds": EMAIL_KINDS,
        "phone_kinds": PHONE_KINDS,
    }
    return render(request, "webmail/contact.html", context, status=422 if form.error else 200)


def _address(query: str, group: int) -> str:
    """The list as it is shown: where one comes back to."""
    asked = {"q": query, "group": group}
    told = urlencode({key: value for key, value in asked.items() if value}, errors="replace")
    return f"{reverse('contacts')}{f'?{told}' if told else ''}"


def _back(request: HttpRequest) -> str:
    """The list that the form was on: its words and its group, never an address as it was sent."""
    query = request.POST.get("q", "").replace("\0", "")[:QUERY]
    return _address(query, (numbers(request.POST, "in") or [0])[0])
