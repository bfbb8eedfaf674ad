"""One alias or group: where its mail goes, and what is done to it."""

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponseBase
from django.shortcuts import redirect
from django.views.decorators.http import require_http_methods, require_POST

from apps.console.addresses.aliasforms import AddTargetsForm
from apps.console.addresses.targets import targets_of
from apps.console.admission import for_administrators
from apps.console.filters import MAX_TEXT
from apps.console.views import aliases as many
from apps.console.views.pages import show
from apps.directory import permissions
from apps.directory.models import Alias, PatternKind
from apps.directory.permissions import Ability, Powers
from apps.provisioning import aliaslists
from apps.provisioning.administration import aliases as doors
from apps.provisioning.administration import whereto
from apps.provisioning.administration.sight import find_alias
from apps.wire.errors import MailError, NotFound, NotPermitted

_CONFLICT = 409


@for_administrators
@require_http_methods(["GET", "HEAD"])
def page(request: HttpRequest, powers: Powers, number: int) -> HttpResponseBase:
    """An alias with its targets."""
    return _page(request, powers, _alias(powers, number))


@for_administrators
@require_POST
def targets(request: HttpRequest, powers: Powers, number: int) -> HttpResponseBase:
    """Add targets (`do` is "add"), or remove the one that is named."""
    alias = _alias(powers, number)
    if request.POST.get("do") == "add":
        return _add(request, powers, alias)
    target = request.POST.get("target", "")[:MAX_TEXT]
    try:
        left = doors.remove_targets(powers=powers, alias_id=alias.pk, targets=[target])
    except MailError as error:
        return _refused(request, powers, alias, error)
    word = "address" if len(left) == 1 else "addresses"
    messages.success(request, f"{target} is removed; {len(left)} {word} left.")
    return redirect("console-alias", alias.pk)


@for_administrators
@require_POST
def state(request: HttpRequest, powers: Powers, number: int) -> HttpResponseBase:
    """Suspend it, or let it work again; with an Undo."""
    alias, act = _alias(powers, number), request.POST.get("to", "")
    if act not in ("suspend", "resume"):
        raise Http404
    return _act(request, powers, alias, act) or redirect("console-alias", alias.pk)


@for_administrators
@require_POST
def remove(request: HttpRequest, powers: Powers, number: int) -> HttpResponseBase:
    """Remove it; with an Undo, which adds it again with its targets."""
    alias = _alias(powers, number)
    return _act(request, powers, alias, "remove") or redirect("console-aliases")


def _alias(powers: Powers, number: int) -> Alias:
    try:
        return find_alias(powers, number)
    except NotFound:
        raise Http404 from None


def _act(request: HttpRequest, powers: Powers, alias: Alias, act: str) -> HttpResponseBase | None:
    """Do what is done to many to this one; the page with why not, None if it is done."""
    if not powers.may(Ability.CHANGE_ALIASES, alias.domain):
        error = NotPermitted("alias", text="Your role does not let you change aliases here")
        return _refused(request, powers, alias, error)
    many.do(request, powers, act, [alias.pk])
    return None


def _add(request: HttpRequest, powers: Powers, alias: Alias) -> HttpResponseBase:
    form = AddTargetsForm(request.POST)
    if not form.is_valid():
        return _page(request, powers, alias, form=form, status=422)
    before = alias.targets.count()
    try:
        has = doors.add_targets(
            powers=powers, alias_id=alias.pk, targets=form.cleaned_data["targets"]
        )
    except NotPermitted as error:
        return _refused(request, powers, alias, error)
    except MailError as error:
        form.add_error("targets", f"{error.reply.text}.")
        return _page(request, powers, alias, form=form, status=422)
    fresh = len(has) - before
    words = {0: "It had all of them.", 1: "1 address is added."}
    messages.success(request, words.get(fresh, f"{fresh} addresses are added."))
    return redirect("console-alias", alias.pk)


def _refused(
    request: HttpRequest, powers: Powers, alias: Alias, error: MailError
) -> HttpResponseBase:
    """What the door said. The alias itself may be gone: another was quicker."""
    if not permissions.aliases(powers).filter(pk=alias.pk).exists():
        raise Http404
    status = _CONFLICT if isinstance(error, NotFound) else error.http_status
    return _page(request, powers, alias, trouble=f"{error.reply.text}.", status=status)


def _page(
    request: HttpRequest,
    powers: Powers,
    alias: Alias,
    *,
    form: AddTargetsForm | None = None,
    trouble: str = "",
    status: int = 200,
) -> HttpResponseBase:
    found = targets_of(powers, alias)
    pattern = str(aliaslists.pattern_of(alias))
    context = {
        "alias": alias,
        "pattern": pattern,
        "sort": aliaslists.sort_of(alias, len(found)),
        "targets": found,
        "way": whereto.way(powers, pattern) if alias.kind == PatternKind.EXACT else None,
        "form": form or AddTargetsForm(),
        "may_change": powers.may(Ability.CHANGE_ALIASES, alias.domain),
        "trouble": trouble,
        "nav": "aliases",
    }
    return show(request, powers, "alias.html", context, status)
