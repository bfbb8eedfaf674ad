"""What a demo alone may write: since when its people have been here."""

from datetime import datetime

from apps.demo.people import People
from apps.directory.models import Domain, User


def settle(people: People, since: datetime) -> None:
    """Let everybody have been here since then: mail that is older than a user or a domain is not
    theirs (docs/trace.md)."""
    names = [name for _, domains in people.organizations for name in domains]
    Domain.objects.filter(name__in=names).update(created_at=since)
    User.objects.filter(domain__name__in=names).update(created_at=since)
