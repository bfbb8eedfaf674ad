"""Shared mailboxes: the list, and adding one."""

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponseBase
from django.shortcuts import redirect
from django.views.decorators.http import require_http_methods

from apps.console.addresses import sharedlist
from apps.console.addresses.sharedforms import AddBoxForm
from apps.console.addresses.sharedlist import Wanted
from apps.console.admission import for_administrators
from apps.console.userlist import domain_choices
from apps.console.views.pages import show
from apps.directory.models import Kind
from apps.directory.permissions import Ability, Powers
from apps.provisioning.administration import users as doors
from apps.ui.proving import recently_proved
from apps.wire.errors import MailError


@for_administrators
@require_http_methods(["GET", "HEAD"])
def listing(request: HttpRequest, powers: Powers) -> HttpResponseBase:
    """The shared mailboxes in sight."""
    wanted = Wanted.of(request.GET.dict())
    context = {
        "wanted": wanted,
        "page": sharedlist.shared(powers, wanted),
        "domains": domain_choices(powers),
        "restores": powers.may(Ability.RESTORE_USERS),
        "nav": "shared",
    }
    return show(request, powers, "shared.html", context)


@for_administrators
@recently_proved
@require_http_methods(["GET", "HEAD", "POST"])
def add(request: HttpRequest, powers: Powers) -> HttpResponseBase:
    """Add one; its page asks for members next."""
    if not powers.may(Ability.CREATE_USERS):
        raise Http404
    form = AddBoxForm(request.POST or None, sets_quotas=powers.may(Ability.SET_QUOTAS))
    form.initial["address"] = f"@{next(iter(domain_choices(powers)), '')}"
    if request.method == "POST" and form.is_valid():
        try:
            box, _ = doors.create(
                powers=powers,
                address=form.cleaned_data["address"],
                name=form.cleaned_data["name"],
                quota=form.quota,
                kind=Kind.SHARED,
            )
        except MailError as error:
            form.add_error("address", f"{error.reply.text}.")
        else:
            messages.success(request, f"{box.address} is added. Say now who its members are.")
            return redirect("console-shared-box", box.pk)
    context = {"form": form, "nav": "shared"}
    return show(request, powers, "shared-add.html", context, 422 if form.errors else 200)
