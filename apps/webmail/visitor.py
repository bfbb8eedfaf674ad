"""Who is signed in."""

from django.http import Http404, HttpRequest

from apps.directory.models import User


def person(request: HttpRequest) -> User:
    """The user of a request whose view asks for one; raise Http404 for anybody else."""
    if not isinstance(request.user, User):
        raise Http404
    return request.user
