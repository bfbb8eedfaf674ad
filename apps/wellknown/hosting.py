"""For which domains mail programs may be set up here."""

from django.db.models import Q

from apps.directory.models import Domain, DomainKind, State


def has_mailboxes(name: str) -> bool:
    """Whether people of a domain, by its name in A-labels, sign in here; one statement. Not of one
    that is suspended or locked, nor of a relay domain, whose mailboxes are on another server."""
    works = Q(alias_of=None, kind=DomainKind.HOSTED) | Q(
        alias_of__kind=DomainKind.HOSTED, alias_of__state=State.ACTIVE
    )
    return Domain.objects.filter(
        works, name=name, state=State.ACTIVE, organization__state=State.ACTIVE
    ).exists()
