"""Who comes in: whoever has a role, with the powers of this moment; for anybody else nothing is
here."""

from collections.abc import Callable
from functools import wraps
from typing import Any, Concatenate

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponseBase
from django.views.decorators.cache import never_cache

from apps.directory.models import User
from apps.directory.permissions import Powers, powers_of

Page = Callable[Concatenate[HttpRequest, Powers, ...], HttpResponseBase]


def for_administrators(view: Page) -> Callable[..., HttpResponseBase]:
    """Give a view the powers of who asks; 404 without any. Their grants are read anew for each
    request, so a role that is taken ends at once."""

    @wraps(view)
    def door(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        user = request.user
        powers = powers_of(user) if isinstance(user, User) else None
        if not powers:
            raise Http404
        return view(request, powers, *args, **kwargs)

    return never_cache(login_required(door))
