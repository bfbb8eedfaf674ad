"""The reference of the interface for programs, for people: pages made from the schema, open to all
as the schema is. They ask nobody who they are, and the database nothing."""

from functools import cache
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.text import slugify
from django.views.decorators.http import require_safe

from apps.api.codes import GROUPS
from apps.api.reference.told import Operation, told
from apps.api.schema import operations
from apps.api.specification import schema
from apps.directory.apitokens import RESOURCES


@cache
def _resources() -> dict[str, tuple[str, list[Operation]]]:
    """Name and operations of each resource, by its word in the address."""
    found: dict[str, tuple[str, list[Operation]]] = {}
    for path, verb, operation in operations(schema()):
        tag = operation["tags"][0]
        found.setdefault(slugify(tag), (tag, []))[1].append(told(path, verb, operation, schema()))
    return dict(sorted(found.items(), key=lambda one: one[1][0]))


def _page(request: HttpRequest, template: str, here: str, more: dict[str, Any]) -> HttpResponse:
    menu = [(word, name) for word, (name, _) in _resources().items()]
    return render(request, f"api/{template}.html", {"menu": menu, "here": here, **more})


@require_safe
def overview(request: HttpRequest) -> HttpResponse:
    """How to begin, what all operations have in common, and a list of them."""
    listed = [(word, name, found) for word, (name, found) in _resources().items()]
    return _page(request, "overview", "", {"resources": listed, "scopes": RESOURCES.items()})


@require_safe
def resource(request: HttpRequest, resource: str) -> HttpResponse:
    """All operations of a resource."""
    if resource not in _resources():
        raise Http404
    name, found = _resources()[resource]
    return _page(request, "resource", resource, {"name": name, "operations": found})


@require_safe
def problems(request: HttpRequest) -> HttpResponse:
    """What each code means, where `type` of a failure leads."""
    return _page(request, "problems", "problems", {"groups": GROUPS})
