"""Users, aliases and domains from a CSV file: looked at, added, cancelled, taken back."""

from urllib.parse import urlencode
from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.cache import patch_vary_headers
from django.views.decorators.http import require_http_methods, require_POST

from apps.console.admission import for_administrators
from apps.console.importforms import ImportForm, kinds
from apps.console.importpage import earlier, view
from apps.console.imports import find
from apps.console.models import Import, ImportKind, ImportState
from apps.console.services import imports
from apps.console.views.pages import administrator, show
from apps.directory.permissions import Ability, Powers
from apps.provisioning.bulk import table
from apps.provisioning.bulk.text import LARGEST
from apps.ui.proving import is_recent, recently_proved
from apps.wire.errors import Gone, InUse, MailError
from apps.wire.numbers import whole_number


@for_administrators
@recently_proved
@require_http_methods(["GET", "HEAD", "POST"])
def bring(request: HttpRequest, powers: Powers) -> HttpResponseBase:
    """Take a file, and look at it."""
    form = ImportForm(
        request.POST if request.method == "POST" else None,
        request.FILES if request.method == "POST" else None,
        powers=powers,
        initial={"kind": request.GET.get("kind", ""), "must_change": True},
    )
    if request.method == "POST" and form.is_valid():
        try:
            job = imports.take(
                user=administrator(request),
                powers=powers,
                kind=ImportKind(form.cleaned_data["kind"]),
                octets=form.octets,
                file_name=form.file_name,
                must_change=form.cleaned_data["must_change"],
            )
        except MailError as error:
            form.add_error(form.source, f"{error.reply.text}.")
        else:
            return redirect("console-import-job", job.pk)
    context = {
        "form": form,
        "kinds": kinds(powers),
        "reads_audit": powers.may(Ability.READ_AUDIT),
        "earlier": earlier(administrator(request)),
        "largest": LARGEST,
        "most": table.LINES,
        "nav": "users",
    }
    return show(request, powers, "import.html", context, 422 if form.errors else 200)


@for_administrators
@require_http_methods(["GET", "HEAD"])
def page(request: HttpRequest, powers: Powers, job: UUID) -> HttpResponseBase:
    """How far an import is; for the script that asks again, the part that changes."""
    after = whole_number(request.GET.get("after", "0"), 999_999_999)
    if after is None:
        raise Http404
    return _page(request, powers, _mine(request, job), after=after)


def _page(
    request: HttpRequest,
    powers: Powers,
    job: Import,
    *,
    after: int = 0,
    trouble: str = "",
    status: int = 200,
) -> HttpResponse:
    context = {"one": view(job, after=after), "trouble": trouble, "nav": "users"}
    if "HX-Request" in request.headers:
        answer = render(request, "console/import-part.html", context)
    else:
        answer = show(request, powers, "import-job.html", context, status)
    patch_vary_headers(answer, ["HX-Request"])
    return answer


@for_administrators
@require_POST
def start(request: HttpRequest, powers: Powers, job: UUID) -> HttpResponseBase:
    """Have the good lines added. Whoever asks twice, from two tabs, begins it once."""
    found = _mine(request, job)
    if not is_recent(request):
        return _prove_first(found)
    address = str(request.META.get("REMOTE_ADDR", ""))
    imports.start(user=administrator(request), job_id=found.pk, address=address)
    return redirect("console-import-job", found.pk)


@for_administrators
@require_POST
def cancel(request: HttpRequest, powers: Powers, job: UUID) -> HttpResponseBase:
    """End one that runs, or forget one that was not begun."""
    found = _mine(request, job)
    try:
        imports.cancel(user=administrator(request), job_id=found.pk)
    except InUse as error:
        messages.error(request, f"{error.reply.text}.")
    if found.state == ImportState.READY:
        messages.success(request, "The file is forgotten. Nothing was added.")
        return redirect("console-import")
    return redirect("console-import-job", found.pk)


@for_administrators
@require_POST
def undo(request: HttpRequest, powers: Powers, job: UUID) -> HttpResponseBase:
    """Remove again what was added, as far as nobody uses it."""
    found = _mine(request, job)
    if not is_recent(request):
        return _prove_first(found)
    try:
        imports.take_back(
            user=administrator(request), job_id=found.pk, typed=request.POST.get("typed", "")
        )
    except Gone as error:
        messages.error(request, f"{error.reply.text}.")
    except MailError as error:
        return _page(request, powers, found, trouble=f"{error.reply.text}.", status=422)
    return redirect("console-import-job", found.pk)


def _mine(request: HttpRequest, job: UUID) -> Import:
    """Raises Http404 for what is not there, and for what is another's."""
    found = find(administrator(request), job)
    if found is None:
        raise Http404
    return found


def _prove_first(job: Import) -> HttpResponse:
    here = reverse("console-import-job", args=[job.pk])
    return redirect(f"{reverse('login-confirm')}?{urlencode({'next': here})}")
