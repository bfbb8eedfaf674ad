"""Who is signed in, what of the mail is theirs, and in whose name they change it."""

from typing import Final

from django.http import Http404, HttpRequest

from apps.directory import identities
from apps.directory.identities import Own
from apps.directory.models import User
from apps.mailstore import queries
from apps.mailstore.origin import Origin
from apps.mailstore.queries import ListRow
from apps.webmail import folders as boxes
from apps.webmail.folders import Folder
from apps.webmail.opened import Reader
from apps.webmail.signingin import client_address
from apps.wire.errors import NotFound

_OWN: Final = "_own_addresses"


def person(request: HttpRequest) -> User:
    """The user of a request whose view asks for one; raise Http404 for anybody else."""
    if not isinstance(request.user, User):
        raise Http404
    return request.user


def own(request: HttpRequest) -> Own:
    """The addresses of the person who asks; read once for a request, in one statement."""
    kept = getattr(request, _OWN, None)
    if not isinstance(kept, Own):
        kept = identities.own(person(request))
        setattr(request, _OWN, kept)
    return kept


def reader(request: HttpRequest) -> Reader:
    """The person who asks, as one who reads messages."""
    return Reader(person(request).pk, own(request))


def find_folder(request: HttpRequest, slug: str) -> Folder:
    """A mailbox of the person who asks, or one that they may read, or 404."""
    try:
        return boxes.find(person(request).pk, slug)
    except NotFound:
        raise Http404 from None


def find_entry(folder: Folder, uid: int) -> ListRow:
    """A message of that mailbox, or 404."""
    row = queries.list_row(folder.id, uid)
    if row is None:
        raise Http404
    return row


def origin(request: HttpRequest) -> Origin:
    """Who did it, for the journal: an administrator who looks as the user is not the user."""
    agent = request.headers.get("User-Agent", "")[:200]
    who = getattr(request, "acting_by", None) or person(request)
    return Origin("web", who.pk, agent, client_address(request))
