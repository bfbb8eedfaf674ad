"""Who exists: organisations, domains, users, aliases, roles.

Addresses are kept in the normal form of `apps.mime.address`: domains as lower-case A-labels, local
parts casefolded in `key` columns, as written in `address`. Uniqueness is the database's business
(constraints), never look-then-save. The one rule that spans two tables (an alias and a user never
share an address) is kept by `services/names.py`, under a lock of the domain's row.
"""

from typing import ClassVar

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.db import models
from django.utils import timezone
from django.utils.crypto import salted_hmac


class State(models.TextChoices):
    """Whether it works. A suspended domain or organisation suspends all that hangs on it."""

    ACTIVE = "active"
    SUSPENDED = "suspended"


class UserState(models.TextChoices):
    """The same for a user, who can be gone while the mail is still kept."""

    ACTIVE = "active"
    SUSPENDED = "suspended"
    REMOVED = "removed"  # a tombstone: no address, no sign-in; its mail waits for restore or purge


class Organization(models.Model):
    """A tenant: what one customer owns."""

    name = models.CharField(max_length=200, unique=True)
    state = models.CharField(max_length=12, choices=State.choices, default=State.ACTIVE)
    created_at = models.DateTimeField(default=timezone.now)

    def __str__(self) -> str:
        return self.name


class Domain(models.Model):
    """A mail domain; `alias_of` makes it a second name for all addresses of another one."""

    name = models.CharField(max_length=253, unique=True)  # lower-case A-labels
    organization = models.ForeignKey(Organization, on_delete=models.PROTECT, related_name="domains")
    alias_of = models.ForeignKey(
        "self", on_delete=models.PROTECT, null=True, blank=True, related_name="alias_domains"
    )
    state = models.CharField(max_length=12, choices=State.choices, default=State.ACTIVE)
    # alice+tag@ goes to alice@; empty switches it off.
    detail_separator = models.CharField(max_length=1, default="+", blank=True)
    default_quota = models.BigIntegerField(null=True, blank=True)  # bytes; None: the setting
    created_at = models.DateTimeField(default=timezone.now)

    def __str__(self) -> str:
        return self.name


class Kind(models.TextChoices):
    """What a user stands for."""

    PERSON = "person"
    SHARED = "shared"  # a shared mailbox: receives, nobody signs in as it
    RESOURCE = "resource"


class UserManager(BaseUserManager["User"]):
    """Users by key; `living` leaves the tombstones out."""

    def get_by_natural_key(self, username: str | None) -> "User":
        return self.get(key=username)

    def living(self) -> models.QuerySet["User"]:
        """All users but the removed ones."""
        return self.exclude(state=UserState.REMOVED)


class User(AbstractBaseUser):
    """An account. `key` is what people sign in with and what mail is addressed to.

    `domain` is None for an operator whose address is not hosted here; such a user has mailboxes
    (postmaster's mail needs a home) but no address that SMTP accepts.
    A removed user keeps `address` but gives `key` and `domain` back (services/users.py).
    """

    key = models.CharField(
        max_length=320, unique=True
    )  # casefold(local)@a-label, #id of a tombstone
    address = models.CharField(max_length=320)  # as its owner writes it
    domain = models.ForeignKey(
        Domain, on_delete=models.PROTECT, null=True, blank=True, related_name="users"
    )
    kind = models.CharField(max_length=10, choices=Kind.choices, default=Kind.PERSON)
    name = models.CharField(max_length=200, default="", blank=True)
    state = models.CharField(max_length=12, choices=UserState.choices, default=UserState.ACTIVE)
    removed_at = models.DateTimeField(null=True, blank=True)
    quota = models.BigIntegerField(default=0)  # bytes; 0 is no limit
    # Raised by every change of password or state: caches and sessions check against it.
    credential_version = models.PositiveIntegerField(default=1)
    # SCRAM-SHA-256 keys (RFC 5802), kept whenever a password is set: an argon2 hash cannot give
    # them later.
    scram_salt = models.BinaryField(max_length=16, default=b"")
    scram_iterations = models.PositiveIntegerField(default=0)
    scram_stored_key = models.BinaryField(max_length=32, default=b"")
    scram_server_key = models.BinaryField(max_length=32, default=b"")
    must_change_password = models.BooleanField(default=False)
    created_at = models.DateTimeField(default=timezone.now)

    objects = UserManager()

    USERNAME_FIELD = "key"
    EMAIL_FIELD = "address"
    REQUIRED_FIELDS: ClassVar[list[str]] = ["address"]

    class Meta:
        indexes = [models.Index(fields=["domain", "key"], name="user_domain")]
        constraints = [
            models.CheckConstraint(
                condition=~(models.Q(state=UserState.REMOVED) ^ models.Q(removed_at__isnull=False)),
                name="user_removed_when",
            ),
        ]

    def __str__(self) -> str:
        return self.address

    @property
    def is_active(self) -> bool:  # type: ignore[override]
        """Django's question; the state of domain and organisation is asked at authentication."""
        return self.state == UserState.ACTIVE

    def _get_session_auth_hash(self, secret: str | None = None) -> str:
        """Django's proof that a session is as young as the password: also as `credential_version`,
        so that raising it signs every browser out.
        """
        return salted_hmac(
            "mailhost.session",
            f"{self.credential_version}:{self.password}",
            secret=secret,
            algorithm="sha256",
        ).hexdigest()


class Role(models.TextChoices):
    """What a grant allows; `permissions.py` is the one place that interprets it."""

    OPERATOR = "operator"
    RESELLER = "reseller"
    DOMAIN_ADMIN = "domain_admin"
    HELPDESK = "helpdesk"


class RoleGrant(models.Model):
    """A role of a user: everywhere (operator), in an organisation, or in a domain."""

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="grants")
    role = models.CharField(max_length=12, choices=Role.choices)
    organization = models.ForeignKey(Organization, on_delete=models.CASCADE, null=True, blank=True)
    domain = models.ForeignKey(Domain, on_delete=models.CASCADE, null=True, blank=True)

    class Meta:
        # Three, because NULLs differ from each other in a unique index of all four columns.
        constraints = [
            models.UniqueConstraint(
                fields=["role", "user"],
                name="grant_once_everywhere",
                condition=models.Q(organization__isnull=True, domain__isnull=True),
            ),
            models.UniqueConstraint(
                fields=["organization", "role", "user"],
                name="grant_once_in_organization",
                condition=models.Q(organization__isnull=False),
            ),
            models.UniqueConstraint(
                fields=["domain", "role", "user"],
                name="grant_once_in_domain",
                condition=models.Q(domain__isnull=False),
            ),
            models.CheckConstraint(
                condition=(
                    models.Q(role=Role.OPERATOR, organization__isnull=True, domain__isnull=True)
                    | ~models.Q(role=Role.OPERATOR)
                    & (models.Q(organization__isnull=True) ^ models.Q(domain__isnull=True))
                ),
                name="grant_has_its_scope",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.user}: {self.role}"


class PatternKind(models.TextChoices):
    """How an alias matches; exact wins over wildcard (longest first), that over catch-all."""

    EXACT = "exact"
    WILDCARD = "wildcard"  # `*` in the local part, such as sales-*@
    CATCH_ALL = "catch_all"  # @domain


class Alias(models.Model):
    """An address, or a pattern of addresses, that stands for others."""

    domain = models.ForeignKey(Domain, on_delete=models.CASCADE, related_name="aliases")
    kind = models.CharField(max_length=10, choices=PatternKind.choices, default=PatternKind.EXACT)
    local = models.CharField(max_length=64, default="", blank=True)  # casefolded; "" is catch-all
    state = models.CharField(max_length=12, choices=State.choices, default=State.ACTIVE)
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        indexes = [
            # Few rows: what is left to try when no exact alias matches.
            models.Index(
                fields=["domain"],
                name="alias_wildcards",
                condition=models.Q(kind=PatternKind.WILDCARD),
            ),
        ]
        constraints = [models.UniqueConstraint(fields=["domain", "local"], name="alias_once")]

    def __str__(self) -> str:
        return f"{self.local}@{self.domain_id}"


class AliasTarget(models.Model):
    """Where mail for an alias goes: any address, hosted here or outside."""

    alias = models.ForeignKey(Alias, on_delete=models.CASCADE, related_name="targets")
    address = models.CharField(max_length=320)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["alias", "address"], name="target_once")]

    def __str__(self) -> str:
        return self.address


class OneTimeLink(models.Model):
    """A link that works once: first operator, later password resets. Only the digest is kept."""

    purpose = models.CharField(max_length=20)
    digest = models.BinaryField(max_length=32, unique=True)  # SHA-256 of the token
    user = models.ForeignKey(User, on_delete=models.CASCADE, null=True, blank=True)
    expires_at = models.DateTimeField()
    used_at = models.DateTimeField(null=True, blank=True)

    def __str__(self) -> str:
        return self.purpose
