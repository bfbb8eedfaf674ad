"""What is done with webhooks: setting one up, changing, testing, switching, removing it.

A secret stands in the answer to the form that made it, and nowhere else: no redirect, no session,
no message carries it.
"""

import json
from typing import Any, Final

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect
from django.views.decorators.http import require_http_methods

from apps.console import webhooklist
from apps.console.admission import for_administrators
from apps.console.views.pages import show
from apps.console.views.webhooks import found
from apps.console.webhookforms import EVERYWHERE, NewWebhookForm, WebhookForm, groups
from apps.directory import permissions
from apps.directory.permissions import Ability, Powers
from apps.directory.written import stored_domain
from apps.provisioning.administration import webhooks as doors
from apps.provisioning.administration.sight import find_named
from apps.ui import formnumbers
from apps.ui.proving import ask, is_recent
from apps.webhooks.models import Endpoint
from apps.wire.errors import MailError, NotFound

TWICE: Final = (
    "This form was sent before, and its webhook is in the list already. Its secret is not shown"
    " again: give it another one if you have not kept it."
)
_FIELDS: Final = {"url": "url", "types": "types", "place": "name"}


@for_administrators
@require_http_methods(["GET", "HEAD", "POST"])
def add(request: HttpRequest, powers: Powers) -> HttpResponseBase:
    """Set one up, and show its secret in the answer."""
    if not powers.may(Ability.RUN_WEBHOOKS):
        raise Http404
    if not is_recent(request):
        return ask(request)
    has_organizations = permissions.organizations(powers, Ability.RUN_WEBHOOKS).exists()
    form = NewWebhookForm(
        request.POST if request.method == "POST" else None,
        is_operator=powers.is_operator,
        has_organizations=has_organizations,
        initial={"name": request.GET.get("domain", "").replace("\0", "")[:253]},
    )
    if form.is_valid():
        if formnumbers.is_used(request):
            form.add_error(None, TWICE)
        elif (made := _made(request, powers, form)) is not None:
            return made
    context = {
        "form": form,
        "number": formnumbers.number(),
        "groups": groups(form["types"].value() or []),
        "names": _names(powers),
        "is_operator": powers.is_operator,
    }
    return _page(request, powers, "webhook-add.html", context, 422 if form.errors else 200)


def _names(powers: Powers) -> list[str]:
    """Domains that the field offers; a beginning."""
    rows = permissions.domains(powers, Ability.RUN_WEBHOOKS).filter(alias_of=None)
    return list(rows.order_by("name").values_list("name", flat=True)[:200])


def _made(request: HttpRequest, powers: Powers, form: NewWebhookForm) -> HttpResponse | None:
    data = form.cleaned_data
    try:
        organization, domain = _place(powers, data["scope"], data["name"])
        row, secret = doors.add(
            powers=powers,
            organization_id=organization,
            domain_id=domain,
            url=data["url"],
            types=_types(data["types"]),
            description=data["description"],
        )
    except MailError as error:
        is_place = isinstance(error, NotFound)
        form.add_error("name" if is_place else _FIELDS.get(error.detail), f"{error.reply.text}.")
        return None
    formnumbers.use_up(request)
    context = {"one": webhooklist.line_of(row), "secret": secret, "is_new": True}
    return _page(request, powers, "webhook-secret.html", context)


def _place(powers: Powers, scope: str, name: str) -> tuple[int | None, int | None]:
    """Ids of the organisation and the domain; raises NotFound."""
    if scope == EVERYWHERE:
        return None, None
    if not name.strip():
        raise NotFound("name", text="Name the domain or the organisation")
    if scope == "domain":
        return None, find_named(powers, stored_domain(name)).pk
    rows = permissions.organizations(powers, Ability.RUN_WEBHOOKS)
    row = rows.filter(name=name.strip()).first()
    if row is None:
        raise NotFound("organisation", text="There is no such organisation")
    return row.pk, None


def _types(chosen: list[str]) -> list[str]:
    """Without those whose whole group is chosen."""
    return [one for one in chosen if "." not in one or one.partition(".")[0] not in chosen]


@for_administrators
@require_http_methods(["GET", "HEAD", "POST"])
def edit(request: HttpRequest, powers: Powers, number: int) -> HttpResponseBase:
    """Change where events go, and which."""
    row = found(powers, number)
    if not is_recent(request):
        return ask(request)
    initial = {"url": row.url, "description": row.description, "types": json.loads(row.types)}
    form = WebhookForm(request.POST if request.method == "POST" else None, initial=initial)
    if form.is_valid() and _changed(powers, row, form):
        messages.success(request, "Saved.")
        return redirect("console-webhook", number)
    context = {
        "form": form,
        "one": webhooklist.line_of(row),
        "groups": groups(form["types"].value() or []),
    }
    return _page(request, powers, "webhook-edit.html", context, 422 if form.errors else 200)


def _changed(powers: Powers, row: Endpoint, form: WebhookForm) -> bool:
    values: dict[str, Any] = {**form.cleaned_data, "types": _types(form.cleaned_data["types"])}
    try:
        doors.change(powers=powers, endpoint_id=row.pk, **values)
    except MailError as error:
        form.add_error(_FIELDS.get(error.detail), f"{error.reply.text}.")
        return False
    return True


@for_administrators
@require_http_methods(["POST"])
def test(request: HttpRequest, powers: Powers, number: int) -> HttpResponseBase:
    """Send a test, wait for the answer, and say it."""
    found(powers, number)
    attempt = doors.test(powers=powers, endpoint_id=number)
    if attempt.error:
        messages.error(request, f"The test was not taken: {attempt.error}.")
    else:
        took = f"{attempt.took_ms:,} ms"
        messages.success(request, f"The test was taken: {attempt.status} after {took}.")
    return redirect("console-webhook", number)


@for_administrators
@require_http_methods(["POST"])
def switch(request: HttpRequest, powers: Powers, number: int) -> HttpResponseBase:
    """Switch one on or off."""
    found(powers, number)
    is_on = request.POST.get("to") == "on"
    doors.change(powers=powers, endpoint_id=number, is_enabled=is_on)
    messages.success(request, "It is on." if is_on else "It is off: nothing is sent.")
    return redirect("console-webhook", number)


@for_administrators
@require_http_methods(["GET", "HEAD", "POST"])
def secret(request: HttpRequest, powers: Powers, number: int) -> HttpResponseBase:
    """Ask, and give it another secret, which stands in the answer."""
    row = found(powers, number)
    if not is_recent(request):
        return ask(request)
    context: dict[str, Any] = {"one": webhooklist.line_of(row)}
    if request.method == "POST":
        context["secret"] = doors.renew_secret(powers=powers, endpoint_id=number)
    return _page(request, powers, "webhook-secret.html", context)


@for_administrators
@require_http_methods(["GET", "HEAD", "POST"])
def remove(request: HttpRequest, powers: Powers, number: int) -> HttpResponseBase:
    """Ask, and take one away."""
    row = found(powers, number)
    if request.method == "POST":
        doors.remove(powers=powers, endpoint_id=number)
        messages.success(request, "The webhook is removed.")
        return redirect("console-webhooks")
    return _page(request, powers, "webhook-remove.html", {"one": webhooklist.line_of(row)})


def _page(
    request: HttpRequest, powers: Powers, template: str, context: dict[str, Any], status: int = 200
) -> HttpResponse:
    return show(request, powers, template, {"nav": "webhooks", **context}, status)
