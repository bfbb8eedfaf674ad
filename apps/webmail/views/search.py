"""Search: results, the form of filters, and what the search box offers. All of it works as plain
pages without script."""

from typing import Any, Final

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe
from django.views.decorators.vary import vary_on_headers

from apps.runtime.db import translate_errors
from apps.search.language.nodes import In
from apps.webmail.folders import side as side_of
from apps.webmail.searching.chips import address
from apps.webmail.searching.composing import NAMES, composed, typed
from apps.webmail.searching.help import examples
from apps.webmail.searching.looks import Looks, named
from apps.webmail.searching.results import NEWEST, search, understood
from apps.webmail.searching.suggestions import suggestions
from apps.webmail.visitor import person
from apps.wire.errors import MailError

HERE: Final = "search"
_QUERY_MAX: Final = 2_000


@login_required
@never_cache
@vary_on_headers("HX-Request")
@require_safe
def results(request: HttpRequest) -> HttpResponse:
    """What was found, a page at a time; with fields of a form, lead to the query that they ask."""
    fields = {name: request.GET[name] for name in NAMES if request.GET.get(name)}
    if fields:
        fields["q"] = request.GET.get("q", "")
        return redirect(address(composed(fields, timezone.localdate())))
    user = person(request)
    after = request.GET.get("after", "")
    only_rows = bool(after) and request.headers.get("HX-Request") == "true"
    side = side_of(user, HERE)
    looks = Looks.of(side)
    query = understood(request.GET.get("q", ""))
    context: dict[str, Any] = {
        "side": side,
        "query": query.text,
        "examples": examples(),
        "first": address(query.text),
        "newest": NEWEST,
        "has_place": any(isinstance(leaf, In) for leaf in query.leaves()),
    }
    if not query.factors:
        return render(request, "webmail/search.html", context)
    try:
        with translate_errors():
            context["found"] = search(
                query,
                user_id=user.pk,
                looks=looks,
                after=after,
                is_removed=request.GET.get("removed") == "1",
                only_rows=only_rows,
            )
    except MailError as error:
        context["trouble"] = error.reply.text
        return render(request, "webmail/search.html", context, status=503)
    return render(request, "webmail/_results.html" if only_rows else "webmail/search.html", context)


@login_required
@never_cache
@require_safe
def filters(request: HttpRequest) -> HttpResponse:
    """The form that asks field by field."""
    side = side_of(person(request), HERE)
    context = {
        "side": side,
        "query": typed(request.GET.get("q", ""))[:_QUERY_MAX],
        "places": [(one.name, named(one).name) for one in side.all],
        "labels": side.labels,
    }
    return render(request, "webmail/search-filters.html", context)


@login_required
@never_cache
@require_safe
def suggest(request: HttpRequest) -> HttpResponse:
    """Lines for the list under the search box."""
    user = person(request)
    looks = Looks.of(side_of(user, HERE))
    groups = suggestions(request.GET.get("q", "")[:_QUERY_MAX], user.pk, looks)
    return render(request, "webmail/_suggest.html", {"groups": groups})
