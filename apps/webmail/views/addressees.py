"""Whom a letter may be for: /mail/compose/people/?q=."""

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, JsonResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from apps.webmail.addressees import addressees
from apps.webmail.visitor import person


@login_required
@never_cache
@require_safe
def people(request: HttpRequest) -> JsonResponse:
    """What is offered for the beginning that was typed."""
    found = addressees(person(request), request.GET.get("q", ""))
    return JsonResponse({"people": [one.as_json() for one in found]})
