"""How to answer who may not: a page for people, a status for scripts."""

from django.http import HttpRequest


def wants_page(request: HttpRequest) -> bool:
    """Whether a browser asks for a page, not a script of a page for a part of it."""
    if request.headers.get("HX-Request") or request.headers.get("X-Requested-With"):
        return False
    if request.content_type == "application/json":
        return False
    accepted = request.headers.get("Accept", "")
    for_script = "application/json" in accepted or "text/event-stream" in accepted
    return not for_script or "text/html" in accepted
