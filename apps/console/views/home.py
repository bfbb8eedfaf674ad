"""The first page of the console."""

from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import redirect
from django.views.decorators.http import require_http_methods

from apps.console.admission import for_administrators
from apps.directory.permissions import Powers


@for_administrators
@require_http_methods(["GET", "HEAD"])
def home(request: HttpRequest, powers: Powers) -> HttpResponseBase:
    """What there is most to do with."""
    return redirect("console-users")
