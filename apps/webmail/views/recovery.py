"""Forgotten passwords, and the address that helps then."""

from django.http import Http404, HttpRequest, HttpResponse


def forgot(request: HttpRequest) -> HttpResponse:
    raise Http404


def reset(request: HttpRequest, token: str) -> HttpResponse:
    raise Http404


def address(request: HttpRequest) -> HttpResponse:
    raise Http404


def proof(request: HttpRequest, token: str) -> HttpResponse:
    raise Http404
