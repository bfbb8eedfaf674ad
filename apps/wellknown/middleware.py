"""Answers what is asked for under names of hosted domains, such as mta-sts.example.org.

ALLOWED_HOSTS cannot name them: a domain may be added at any moment. So these few addresses, and no
other, are answered here, before anything of Django looks at the host. What they say comes of the
address asked for and of the database; a name in a Host header is looked up there, and never said
again. No session is looked at, no cookie set, nothing written.
"""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse, HttpResponseBase

from apps.wellknown.urls import PATHS


class WellKnownMiddleware:
    """The outermost one."""

    sync_capable = True
    async_capable = False

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        view = PATHS.get(request.path_info)
        if view is None:
            return self._get_response(request)
        response: HttpResponse = view(request)
        response.headers["Content-Length"] = str(len(response.content))
        response.headers["X-Content-Type-Options"] = "nosniff"
        response.headers["Content-Security-Policy"] = "default-src 'none'"
        response.headers["Cache-Control"] = "no-store"  # RFC 8461 s3.3: policies are not cached
        return response
