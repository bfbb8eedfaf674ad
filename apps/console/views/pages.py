"""What all pages of the console have in common."""

from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render

from apps.console.navigation import menu
from apps.directory.models import User
from apps.directory.permissions import Ability, Powers
from apps.provisioning.administration.sight import find_user
from apps.wire.errors import NotFound


def show(
    request: HttpRequest,
    powers: Powers,
    template: str,
    context: dict[str, Any],
    status: int = 200,
) -> HttpResponse:
    """A page, with what its frame needs."""
    frame = {
        "reads_audit": powers.may(Ability.READ_AUDIT),
        "creates_users": powers.may(Ability.CREATE_USERS),
        "menu": menu(powers),
    }
    return render(request, f"console/{template}", {**frame, **context}, status=status)


def user_in_sight(powers: Powers, number: int) -> User:
    """A user by its id; raise Http404 for what is not there and for what is another's."""
    try:
        return find_user(powers, number)
    except NotFound:
        raise Http404 from None


def administrator(request: HttpRequest) -> User:
    """Who asks; `for_administrators` has made sure of it."""
    assert isinstance(request.user, User)
    return request.user


def number_of(text: str) -> int:
    """An id that came in a form; 0, which nothing has, for what is none."""
    return int(text) if text.isascii() and text.isdigit() and len(text) < 19 else 0
