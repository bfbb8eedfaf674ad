"""Sign-ins."""

from django.http import Http404, HttpRequest, HttpResponse


def activity(request: HttpRequest) -> HttpResponse:
    raise Http404
