"""The page where somebody agrees that another's mail is sent on to them, or ends it. No sign-in:
whoever holds the link reads the mail of the address that it was sent to."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from apps.provisioning import forwarding
from apps.wire.errors import NotFound


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def forward(request: HttpRequest, token: str) -> HttpResponse:
    """Show the question; a POST with `answer` yes or no answers it."""
    said = request.POST.get("answer", "")
    try:
        if said in {"yes", "no"}:
            question = forwarding.answer(token, agrees=said == "yes")
        else:
            question = forwarding.question(token)
    except NotFound:
        return render(request, "auth/forward_over.html", status=410)
    context = {"question": question, "said": said, "token": token}
    return render(request, "auth/forward.html", context)
