"""What a domain demands of its people's sign-in: the only door through which that changes."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from django.db import transaction

from apps.audit.services import record
from apps.directory import subjects
from apps.directory.models import Demand, Domain
from apps.directory.services.domains import find_own
from apps.events.bus import publish_on_commit
from apps.events.types import EVERYBODY, UserChanged
from apps.wire.errors import InvalidName

SHORTEST: Final = 8  # characters
LONGEST: Final = 64


@dataclass(frozen=True)
class SignInRules:
    """What is wanted of it, as `models.Domain` has it; None leaves a thing as it is.

    Args:
        factor_due_at: from when on `factor_demand` counts, None is at once; looked at only if a
            demand is given.
        password_length: fewest characters of a new password; 0 leaves it to the installation.
    """

    factor_demand: Demand | None = None
    factor_due_at: datetime | None = None
    password_length: int | None = None


def change(*, name: str, rules: SignInRules) -> Domain:
    """Change what a domain demands. Who is signed in against it is signed out.

    Raises:
        InvalidName, NotFound
        InUse: it is an alias domain.
    """
    domain = find_own(name)
    changed: dict[str, Any] = {}
    if rules.factor_demand is not None:
        changed["factor_demand"] = rules.factor_demand
        changed["factor_due_at"] = rules.factor_due_at
        if rules.factor_demand == Demand.NOBODY:
            changed["factor_due_at"] = None
    if rules.password_length is not None:
        changed["password_length"] = _length(rules.password_length)
    if not changed:
        return domain
    with transaction.atomic():
        Domain.objects.filter(pk=domain.pk).update(**changed)
        publish_on_commit(UserChanged(EVERYBODY))
        detail = {key: None if value is None else str(value) for key, value in changed.items()}
        if "password_length" in changed:
            detail["password_length"] = changed["password_length"]
        record("domain.sign_in", **subjects.of_domain(domain), detail=detail)
    for key, value in changed.items():
        setattr(domain, key, value)
    return domain


def _length(wanted: int) -> int | None:
    if wanted and not SHORTEST <= wanted <= LONGEST:
        raise InvalidName(
            "password length",
            text=f"A password's least length is {SHORTEST} to {LONGEST} characters, or 0 for the"
            " installation's",
        )
    return wanted or None
