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

from apps.mailstore import queries
from apps.runtime.db import translate_errors
from apps.search.language.nodes import In
from apps.webmail import folders as boxes
from apps.webmail.searching.chips import address
from apps.webmail.searching.composing import NAMES, composed, typed
from apps.webmail.searching.help import examples
from apps.webmail.searching.results import NEWEST, search, understood
from apps.webmail.searching.rows import Looks
from apps.webmail.searching.suggestions import suggestions
from apps.webmail.visitor import person
from apps.wire.errors import MailError

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
    context = {} if only_rows else frame(request)
    looks = _looks(context.get("folders") or boxes.folders(user.pk))
    query = understood(request.GET.get("q", ""))
    context |= {
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
    context = frame(request)
    context |= {
        "query": typed(request.GET.get("q", ""))[:_QUERY_MAX],
        "looks": _looks(context["folders"]),
    }
    return render(request, "webmail/search-filters.html", context)


@login_required
@never_cache
@require_safe
def suggest(request: HttpRequest) -> HttpResponse:
    """Lines for the list under the search box."""
    user = person(request)
    looks = _looks(boxes.folders(user.pk))
    groups = suggestions(request.GET.get("q", "")[:_QUERY_MAX], user.pk, looks)
    return render(request, "webmail/_suggest.html", {"groups": groups})


def frame(request: HttpRequest) -> dict[str, Any]:
    """What the side shows."""
    user = person(request)
    usage = queries.usage(user.pk)
    return {
        "folders": boxes.folders(user.pk),
        "usage": usage,
        "usage_percent": usage.percent,
    }


def _looks(folders: list[boxes.Folder]) -> Looks:
    return Looks({one.id: one for one in folders}, {})
