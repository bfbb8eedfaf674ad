"""Delegations: the only door through which they change; `authority.py` reads them."""

from django.db import transaction

from apps.audit.services import record
from apps.directory import subjects
from apps.directory.models import Delegation, Kind, User
from apps.wire.errors import InvalidName, NotFound


def grant(*, owner: User, delegate: User, send_as: bool, send_on_behalf: bool) -> Delegation:
    """Let a person write as, or on behalf of, another user or a shared mailbox.

    A second grant replaces the first.

    Raises:
        InvalidName: nothing is granted, or the two cannot be owner and delegate.
    """
    if not (send_as or send_on_behalf):
        raise InvalidName("nothing", text="A delegation is to send as, or on behalf, or both")
    if owner.pk == delegate.pk:
        raise InvalidName("self", text="Everybody may send as himself")
    if delegate.kind != Kind.PERSON:
        raise InvalidName("delegate", text="Only a person writes in the name of another")
    if _organization(owner) != _organization(delegate):
        raise InvalidName("tenants", text="Owner and delegate belong to different organisations")
    with transaction.atomic():
        row, _ = Delegation.objects.update_or_create(
            owner=owner,
            delegate=delegate,
            defaults={"may_send_as": send_as, "may_send_on_behalf": send_on_behalf},
        )
        detail = {"delegate": delegate.address, "as": send_as, "on_behalf": send_on_behalf}
        record("delegation.grant", **subjects.of_user(owner), detail=detail)
    return row


def revoke(*, owner: User, delegate: User) -> None:
    """Take a delegation back.

    Raises:
        NotFound
    """
    with transaction.atomic():
        removed, _ = Delegation.objects.filter(owner=owner, delegate=delegate).delete()
        if not removed:
            raise NotFound("delegation", text=f"{delegate} is no delegate of {owner}")
        about = subjects.of_user(owner)
        record("delegation.revoke", **about, detail={"delegate": delegate.address})


def _organization(user: User) -> int | None:
    return None if user.domain is None else user.domain.organization_id
