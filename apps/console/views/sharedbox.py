"""One shared mailbox: its members, its name and space, and its end."""

from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponseBase
from django.shortcuts import redirect
from django.views.decorators.http import require_http_methods, require_POST

from apps.console.addresses.members import LEVEL_WORDS, members
from apps.console.addresses.sharedforms import SENDING, BoxForm, MemberForm
from apps.console.admission import for_administrators
from apps.console.views.pages import keep_and_say, show
from apps.directory import permissions
from apps.directory.models import User
from apps.directory.permissions import Ability, Powers
from apps.directory.written import stored_address
from apps.mailstore.models import Usage
from apps.provisioning.administration import sharing
from apps.provisioning.administration import users as doors
from apps.ui.proving import recently_proved
from apps.wire.errors import MailError, NotFound, NotPermitted
from apps.wire.numbers import whole_number

_CONFLICT = 409
MAX_TEXT = 320  # characters of an address


@for_administrators
@require_http_methods(["GET", "HEAD", "POST"])
def page(request: HttpRequest, powers: Powers, number: int) -> HttpResponseBase:
    """A shared mailbox, and the form of its name and space."""
    box = _box(powers, number)
    if request.method != "POST":
        return _page(request, powers, box)
    form = _form(powers, box, request)
    if not form.is_valid():
        return _page(request, powers, box, form=form, status=422)
    try:
        doors.change(powers=powers, user_id=box.pk, name=form.new_name, quota=form.quota)
    except MailError as error:
        return _refused(request, powers, box, error)
    messages.success(request, f"{box.address} is changed.")
    return redirect("console-shared-box", box.pk)


@for_administrators
@recently_proved
@require_POST
def member(request: HttpRequest, powers: Powers, number: int) -> HttpResponseBase:
    """Add or change a member."""
    box = _box(powers, number)
    form = MemberForm(request.POST)
    if not form.is_valid():
        return _page(request, powers, box, adding=form, status=422)
    try:
        person = sharing.set_member(powers=powers, user_id=box.pk, **form.wanted)
    except NotPermitted as error:
        return _refused(request, powers, box, error)
    except MailError as error:
        form.add_error("member", f"{error.reply.text}.")
        return _page(request, powers, box, adding=form, status=422)
    messages.success(request, f"{person.address} is a member.")
    return redirect("console-shared-box", box.pk)


@for_administrators
@require_POST
def leave(request: HttpRequest, powers: Powers, number: int) -> HttpResponseBase:
    """Take a member out, or what everybody in the organisation may do ("all")."""
    box = _box(powers, number)
    named = request.POST.get("member", "")
    member_id = whole_number(named)
    if named != "all" and member_id is None:
        raise Http404
    try:
        sharing.remove_member(powers=powers, user_id=box.pk, member_id=member_id)
    except MailError as error:
        return _refused(request, powers, box, error)
    messages.success(request, f"That is taken back. Mail of {box.address} is as it was.")
    return redirect("console-shared-box", box.pk)


@for_administrators
@recently_proved
@require_http_methods(["GET", "HEAD", "POST"])
def remove(request: HttpRequest, powers: Powers, number: int) -> HttpResponseBase:
    """Ask for its address, and remove it; its mail is kept for some time, and an Undo."""
    box = _box(powers, number)
    typed = request.POST.get("typed", "")[:MAX_TEXT]
    context: dict[str, Any] = {"box": box, "nav": "shared"}
    if not permissions.may_act_on(powers, Ability.REMOVE_USERS, box):
        raise Http404
    if request.method != "POST":
        return show(request, powers, "shared-remove.html", context)
    if stored_address(typed) != box.key:
        context["wrong"] = f"Write {box.address}, to be sure that it is the right one."
        return show(request, powers, "shared-remove.html", context, 422)
    try:
        doors.remove(powers=powers, user_id=box.pk)
    except MailError as error:
        return _refused(request, powers, box, error)
    words = f"{box.address} is removed."
    keep_and_say(request, words, what="shared.remove", before=[box.pk])
    return redirect("console-shared")


def _box(powers: Powers, number: int) -> User:
    try:
        return sharing.find_shared(powers, number)
    except NotFound:
        raise Http404 from None


def _refused(request: HttpRequest, powers: Powers, box: User, error: MailError) -> HttpResponseBase:
    """What the door said. The mailbox itself may be gone: another was quicker."""
    status = _CONFLICT if isinstance(error, NotFound) else error.http_status
    return _page(
        request, powers, _box(powers, box.pk), trouble=f"{error.reply.text}.", status=status
    )


def _form(powers: Powers, box: User, request: HttpRequest | None = None) -> BoxForm:
    sent = None if request is None else request.POST
    return BoxForm(sent, sets_quotas=powers.may(Ability.SET_QUOTAS, box), box=box)


def _page(
    request: HttpRequest,
    powers: Powers,
    box: User,
    *,
    form: BoxForm | None = None,
    adding: MemberForm | None = None,
    trouble: str = "",
    status: int = 200,
) -> HttpResponseBase:
    used = Usage.objects.filter(user=box).values_list("size", flat=True).first() or 0
    context = {
        "box": box,
        "members": members(powers, box),
        "used": used,
        "percent": min(100, used * 100 // box.quota) if box.quota else 0,
        "form": form or _form(powers, box),
        "adding": adding or MemberForm(),
        "levels": LEVEL_WORDS.items(),
        "sendings": SENDING,
        "may_share": powers.may(Ability.CHANGE_ALIASES, box),
        "may_change": powers.may(Ability.CHANGE_USERS, box),
        "may_remove": permissions.may_act_on(powers, Ability.REMOVE_USERS, box),
        "trouble": trouble,
        "nav": "shared",
    }
    return show(request, powers, "shared-box.html", context, status)
