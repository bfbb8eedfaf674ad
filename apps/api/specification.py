"""The schema, as it is served. It is the same for all, so it is made once in a process: making it
takes seconds."""

import hashlib
import json
from functools import cache
from typing import Any

from django.http import HttpResponse
from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.views import APIView

from apps.api.bodies import Json


@cache
def schema() -> dict[str, Any]:
    """The whole schema; nobody changes it."""
    return dict(SchemaGenerator().get_schema(request=None, public=True))  # type: ignore[no-untyped-call]


@cache
def written() -> str:
    """The schema as JSON, the same in every process."""
    return json.dumps(schema(), indent=1, ensure_ascii=False, default=str) + "\n"


@cache
def tag() -> str:
    """The ETag of what is written."""
    return f'"{hashlib.sha256(written().encode()).hexdigest()[:24]}"'


@extend_schema(exclude=True)
class Specification(APIView):
    """OpenAPI 3.1, to anybody."""

    authentication_classes = ()
    permission_classes = ()

    def perform_content_negotiation(self, request: Request, force: bool = False) -> Any:
        """There is one form of it, whatever is asked for."""
        return Json(), Json.media_type

    def get(self, request: Request) -> HttpResponse:
        headers = {"ETag": tag(), "Cache-Control": "public, max-age=300"}
        if tag() in request.headers.get("If-None-Match", ""):
            return HttpResponse(status=304, headers=headers)
        return HttpResponse(written(), content_type="application/json", headers=headers)
