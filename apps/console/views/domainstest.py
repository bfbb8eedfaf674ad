"""A test of delivery: write a letter, and see when and where it arrives."""

from django.http import Http404, HttpRequest, HttpResponseBase
from django.shortcuts import redirect
from django.views.decorators.http import require_http_methods

from apps.console.admission import for_administrators
from apps.console.domains import deliverytest
from apps.console.typed import typed
from apps.console.views.domainsframe import domain_in_sight, tab
from apps.console.views.pages import administrator, show
from apps.directory.permissions import Ability, Powers
from apps.provisioning.administration import deliverytests
from apps.wire.errors import MailError, NotFound


@for_administrators
@require_http_methods(["GET", "HEAD", "POST"])
def page(request: HttpRequest, powers: Powers, number: int) -> HttpResponseBase:
    """To whom, and how far the last one is; for the page that asks again, the part that changes."""
    domain = domain_in_sight(powers, number, Ability.CHANGE_POLICIES)
    me = administrator(request)
    to, trouble, status = me.address, "", 200
    if request.method == "POST":
        to = typed(request.POST.dict(), "to", 320)
        try:
            sent = deliverytests.send(powers=powers, domain_id=number, to=to)
        except NotFound as error:
            if error.detail == f"domain {number}":
                raise Http404 from None
            trouble, status = f"{error.reply.text}.", 422
        except MailError as error:
            trouble = f"{error.reply.text}."
            status = 422 if error.http_status == 400 else error.http_status
        else:
            deliverytest.remember(request, domain, sent)
            return redirect("console-domain-test", number)
    test = deliverytest.last(request, domain)
    context = {
        "test": test,
        "is_own": test is not None and test.sent.user_id == me.pk,
        "to": to,
        "error": trouble,
        "number": number,
        "is_operator": powers.is_operator,
    }
    if request.headers.get("HX-Request") and request.method != "POST":
        return show(request, powers, "_domain_test.html", context)
    return tab(request, powers, domain, "test", context, status=status)
