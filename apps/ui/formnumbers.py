"""Forms that count once: each has a number, so that a page which is loaded again, or a button that
is pressed twice, makes no second one of what is shown in the answer alone."""

import secrets
from typing import Final

from django.http import HttpRequest

_USED: Final = "apps-forms"  # numbers of forms of this session that were sent
_USED_MOST: Final = 20
_LONGEST: Final = 40  # characters


def number() -> str:
    """The number of a form that is about to be shown: its field `number`."""
    return secrets.token_hex(_LONGEST // 2)


def is_used(request: HttpRequest) -> bool:
    """Whether the form that was sent has counted already, or has no number."""
    sent = _sent(request)
    return not sent or sent in request.session.get(_USED, [])


def use_up(request: HttpRequest) -> None:
    """The form that was sent has counted."""
    used = [*request.session.get(_USED, []), _sent(request)]
    request.session[_USED] = used[-_USED_MOST:]


def _sent(request: HttpRequest) -> str:
    return request.POST.get("number", "")[:_LONGEST]
