"""Aliases and groups: the list, and adding one."""

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponseBase
from django.shortcuts import redirect
from django.views.decorators.http import require_http_methods, require_POST

from apps.console.addresses import aliaslist, bulkaliases
from apps.console.addresses.aliasforms import AddAliasForm
from apps.console.addresses.aliaslist import Wanted
from apps.console.admission import for_administrators
from apps.console.services import bulkacts
from apps.console.typed import ticked
from apps.console.userlist import domain_choices
from apps.console.views.pages import back_to, export_link, keep_and_say, show
from apps.directory.models import State
from apps.directory.permissions import Ability, Powers
from apps.provisioning.administration import aliases as doors
from apps.provisioning.aliaslists import pattern_of
from apps.wire.errors import LimitReached, MailError

_ACTS = {
    "remove": ("is removed", "are removed"),
    "suspend": ("is suspended", "are suspended"),
    "resume": ("works again", "work again"),
}


@for_administrators
@require_http_methods(["GET", "HEAD"])
def listing(request: HttpRequest, powers: Powers) -> HttpResponseBase:
    """The aliases in sight."""
    wanted = Wanted.of(request.GET.dict())
    context = {
        "wanted": wanted,
        "page": aliaslist.aliases(powers, wanted),
        "domains": domain_choices(powers),
        "export": export_link("aliases", wanted),
        "may_change": powers.may(Ability.CHANGE_ALIASES),
        "nav": "aliases",
    }
    return show(request, powers, "aliases.html", context)


@for_administrators
@require_http_methods(["GET", "HEAD", "POST"])
def add(request: HttpRequest, powers: Powers) -> HttpResponseBase:
    """Add an alias, or a group: an alias with several targets."""
    if not powers.may(Ability.CHANGE_ALIASES):
        raise Http404
    initial = {"address": f"@{next(iter(domain_choices(powers)), '')}"}
    form = AddAliasForm(request.POST or None, initial=initial)
    if request.method == "POST" and form.is_valid():
        try:
            alias = doors.add(
                powers=powers,
                pattern=form.cleaned_data["address"],
                targets=form.cleaned_data["targets"],
            )
        except MailError as error:
            form.add_error("address", f"{error.reply.text}.")
        else:
            messages.success(request, f"{pattern_of(alias)} is added.")
            return redirect("console-alias", alias.pk)
    context = {"form": form, "is_group": "group" in request.GET, "nav": "aliases"}
    return show(request, powers, "alias-add.html", context, 422 if form.errors else 200)


@for_administrators
@require_POST
def bulk(request: HttpRequest, powers: Powers) -> HttpResponseBase:
    """Remove, suspend or resume those that are ticked; each has an Undo."""
    act = request.POST.get("act", "")
    if act not in _ACTS or not powers.may(Ability.CHANGE_ALIASES):
        raise Http404
    ids = ticked(request.POST.getlist("id"))
    if len(ids) > bulkacts.MOST:
        raise LimitReached(f"{len(ids)} at once", text=f"At most {bulkacts.MOST} at once")
    do(request, powers, act, ids)
    return back_to("console-aliases", Wanted.of(request.POST.dict()))


def do(request: HttpRequest, powers: Powers, act: str, ids: list[int]) -> bool:
    """Do it, keep how it was, and say so; return whether anything was done."""
    if act == "remove":
        done, what = bulkaliases.remove(powers, ids), "alias.remove"
    else:
        state = State.SUSPENDED if act == "suspend" else State.ACTIVE
        done, what = bulkaliases.set_state(powers, ids, state), "alias.state"
    if not done.before:
        messages.error(request, done.refused or "Nothing was to be done.")
        return False
    words = bulkaliases.said(len(done.before), *_ACTS[act]) + bulkaliases.rest(done)
    keep_and_say(request, words, what=what, before=done.before)
    return True
