"""Passwords for mail programs."""

from django.http import Http404, HttpRequest, HttpResponse


def listing(request: HttpRequest) -> HttpResponse:
    raise Http404
