"""Acts on many users at once: what can be taken back is done at once, the rest after a question."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponseBase
from django.views.decorators.http import require_POST

from apps.console import userbulk
from apps.console.admission import for_administrators
from apps.console.forms import BulkGroupForm, BulkQuotaForm, BulkRemoveForm, BulkSureForm
from apps.console.services import bulkacts
from apps.console.typed import ticked
from apps.console.userbulk import Done
from apps.console.userfilter import Wanted
from apps.console.views.pages import address_in, back_to, keep_and_say, show
from apps.directory.models import User
from apps.directory.permissions import Ability, Powers
from apps.ui.proving import ask, is_recent
from apps.wire.errors import MailError


@dataclass(frozen=True, slots=True)
class _Act:
    """An act that asks first.

    Args:
        words: what is said after "12 users are".
        what: its name for undoing; "" if it cannot be taken back.
        field: beside which its refusals stand.
    """

    ability: Ability
    title: str
    button: str
    words: str
    form: type[BulkSureForm]
    do: Callable[[Powers, list[User], dict[str, Any]], Done]
    what: str = ""
    field: str | None = None
    is_grave: bool = False


_ACTS: Final = {
    "quota": _Act(
        Ability.SET_QUOTAS,
        "Set the quota",
        "Set it",
        "given this quota",
        BulkQuotaForm,
        lambda powers, users, data: userbulk.set_quota(powers, users, data["quota"]),
        userbulk.QUOTA,
    ),
    "group": _Act(
        Ability.CHANGE_ALIASES,
        "Add to a group",
        "Add them",
        "added to the group",
        BulkGroupForm,
        lambda powers, users, data: userbulk.add_to_group(powers, users, data["group"]),
        userbulk.GROUP,
        "group",
    ),
    "sessions": _Act(
        Ability.END_SESSIONS,
        "Sign out everywhere",
        "Sign them out",
        "signed out of every browser",
        BulkSureForm,
        lambda powers, users, data: userbulk.end_sessions(powers, users),
    ),
    "password": _Act(
        Ability.RESET_PASSWORDS,
        "Ask for a new password",
        "Ask for it",
        "asked for a new password",
        BulkSureForm,
        lambda powers, users, data: userbulk.ask_new_password(powers, users),
    ),
    "remove": _Act(
        Ability.REMOVE_USERS,
        "Remove users",
        "Remove them",
        "removed. Their mail is kept for 30 days",
        BulkRemoveForm,
        lambda powers, users, data: userbulk.remove(powers, users),
        userbulk.REMOVE,
        is_grave=True,
    ),
}


@for_administrators
@require_POST
def bulk(request: HttpRequest, powers: Powers) -> HttpResponseBase:
    """Do it, or ask first."""
    name = request.POST.get("act", "")
    wanted = Wanted.of(request.POST.dict())
    is_all = bool(request.POST.get("everything"))
    ids = ticked(request.POST.getlist("id"))
    users = userbulk.people(powers, ids, wanted if is_all else None)
    if not users:
        messages.info(request, "Nobody was chosen: tick the users that you mean.")
        return back_to("console-users", wanted)
    if len(users) > bulkacts.MOST:
        most = f"{bulkacts.MOST:,}"
        messages.error(request, f"That is done to {most} users at a time: narrow the list first.")
        return back_to("console-users", wanted)
    if name in userbulk.STATES:
        state, words = userbulk.STATES[name]
        _tell(request, userbulk.set_state(powers, users, state), userbulk.STATE, words)
        return back_to("console-users", wanted)
    act = _ACTS.get(name)
    if act is None or not powers.may(act.ability):
        raise Http404
    if act.is_grave and not is_recent(request):
        return ask(request)
    return _asked(request, powers, act, name, users, wanted if is_all else None, wanted)


def _asked(
    request: HttpRequest,
    powers: Powers,
    act: _Act,
    name: str,
    users: list[User],
    everything: Wanted | None,
    wanted: Wanted,
) -> HttpResponseBase:
    is_answer = "sure" in request.POST
    form = act.form(request.POST if is_answer else None, count=len(users))
    if is_answer and form.is_valid():
        try:
            done = act.do(powers, users, form.cleaned_data)
        except MailError as error:
            form.add_error(act.field, f"{error.reply.text}.")
        else:
            _tell(request, done, act.what, act.words)
            return back_to("console-users", wanted)
    context = {
        "act": act,
        "name": name,
        "form": form,
        "count": len(users),
        "people": users[:5],
        "more": max(0, len(users) - 5),
        "ids": [] if everything else [user.pk for user in users],
        "everything": everything,
        "wanted": wanted,
        "back": address_in("console-users", wanted),
        "groups": userbulk.group_choices(powers) if name == "group" else [],
        "nav": "users",
    }
    return show(request, powers, "user-bulk.html", context, 422 if form.errors else 200)


def _tell(request: HttpRequest, done: Done, what: str, words: str) -> None:
    told = f"{userbulk.counted(done.count)} {words}."
    if done.count and what:
        keep_and_say(request, told, what=what, before=done.before)
    elif done.count:
        messages.success(request, told)
    elif not done.refused:
        messages.info(request, "Nothing had to be changed.")
    if done.refused:
        messages.error(request, done.refusal)
