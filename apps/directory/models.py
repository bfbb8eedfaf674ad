"""Who exists: organisations, domains, users, aliases, roles.

Addresses are kept in the normal form of `apps.mime.address`: domains as lower-case A-labels, local
parts casefolded in `key` columns, as written in `address`. Uniqueness is the database's business
(constraints), never look-then-save. The one rule that spans two tables (an alias and a user never
share an address) is kept by `services/names.py`, under a lock of the domain's row.
"""

from typing import ClassVar

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.db import models
from django.db.models.functions import Coalesce, Lower
from django.utils import timezone
from django.utils.crypto import salted_hmac


class State(models.TextChoices):
    """Whether it works. What is said of a domain or organisation holds for all that hangs on it."""

    ACTIVE = "active"
    LOCKED = "locked"  # nobody signs in; mail is received
    SUSPENDED = "suspended"  # nobody signs in; mail is refused


class UserState(models.TextChoices):
    """The same for a user, who can be gone while the mail is still kept."""

    ACTIVE = "active"
    LOCKED = "locked"
    SUSPENDED = "suspended"
    REMOVED = "removed"  # a tombstone: no address, no sign-in; its mail waits for restore or purge


class Organization(models.Model):
    """A tenant: what one customer owns."""

    name = models.CharField(max_length=200, unique=True)
    state = models.CharField(max_length=12, choices=State.choices, default=State.ACTIVE)
    # What its resellers and administrators may give out; None is no limit. Operators are free.
    max_domains = models.PositiveIntegerField(null=True, blank=True)  # alias domains too
    max_users = models.PositiveIntegerField(null=True, blank=True)  # of every kind
    max_storage = models.BigIntegerField(null=True, blank=True)  # bytes: the sum of all quotas
    created_at = models.DateTimeField(default=timezone.now)

    def __str__(self) -> str:
        return self.name


class DomainKind(models.TextChoices):
    """Whether its mailboxes are here."""

    HOSTED = "hosted"
    RELAY = "relay"  # we are its MX, and hand its mail on to another server


class RelayCheck(models.TextChoices):
    """How recipients of a relay domain are known."""

    LIST = "list"  # RelayRecipient
    CALL_AHEAD = "call_ahead"  # its server is asked, and the answer kept for a while
    ANY = "any"  # all are taken; what its server refuses becomes a bounce


class Sternness(models.TextChoices):
    """What becomes of mail that a check of its sender condemns."""

    REPORT = "report"  # delivered as any other; header and trace tell
    JUNK = "junk"
    REJECT = "reject"  # refused in the dialogue, where that is what the sender's domain asks for


class Demand(models.TextChoices):
    """Who needs a second factor."""

    NOBODY = "nobody"
    ADMINISTRATORS = "administrators"  # whoever holds a role
    EVERYBODY = "everybody"


class StsMode(models.TextChoices):
    """What the MTA-STS policy of a domain asks of servers that send to it (RFC 8461 s5)."""

    NONE = "none"  # no policy; or, where there was one, that it holds no longer
    TESTING = "testing"  # deliver as ever, and report what would have failed
    ENFORCE = "enforce"  # without TLS that proves this host's name, do not deliver


class Domain(models.Model):
    """A mail domain; `alias_of` makes it a second name for all addresses of another one."""

    name = models.CharField(max_length=253, unique=True)  # lower-case A-labels
    organization = models.ForeignKey(Organization, on_delete=models.PROTECT, related_name="domains")
    alias_of = models.ForeignKey(
        "self", on_delete=models.PROTECT, null=True, blank=True, related_name="alias_domains"
    )
    state = models.CharField(max_length=12, choices=State.choices, default=State.ACTIVE)
    kind = models.CharField(max_length=6, choices=DomainKind.choices, default=DomainKind.HOSTED)
    relay_check = models.CharField(
        max_length=10, choices=RelayCheck.choices, default=RelayCheck.CALL_AHEAD
    )
    # What to do with mail whose From is not its sender's: refuse, or add Sender (RFC 5322 s3.6.2).
    adds_sender = models.BooleanField(default=False)
    # For mail that fails DMARC. `reject` does what the author's domain asks for (junk where it asks
    # for quarantine), `junk` puts both into Junk.
    dmarc_policy = models.CharField(
        max_length=6, choices=Sternness.choices, default=Sternness.REJECT
    )
    # For clients that DNS block lists name.
    list_policy = models.CharField(
        max_length=6, choices=Sternness.choices, default=Sternness.REJECT
    )
    greylists = models.BooleanField(default=False)  # mail that looks doubtful is asked to come back
    # How often its users are told of mail that is held back, unless they have chosen; one of
    # services.domains.DIGESTS, "": the setting's.
    digest = models.CharField(max_length=6, default="", db_default="", blank=True)
    # alice+tag@ goes to alice@; empty switches it off.
    detail_separator = models.CharField(max_length=1, default="+", blank=True)
    default_quota = models.BigIntegerField(null=True, blank=True)  # bytes; None: the setting
    # Who needs a second factor, and from when on: until then people are reminded. From then on the
    # web lets them do nothing before they have one, and a main password opens no mail program.
    factor_demand = models.CharField(max_length=14, choices=Demand.choices, default=Demand.NOBODY)
    factor_due_at = models.DateTimeField(null=True, blank=True)  # None: at once
    password_length = models.PositiveSmallIntegerField(null=True, blank=True)  # None: the setting
    # None at first: a policy is a promise that mta-sts.<domain> and this host show certificates
    # that the world believes, and only an administrator knows that they do.
    sts_mode = models.CharField(max_length=7, choices=StsMode.choices, default=StsMode.NONE)
    sts_id = models.CharField(max_length=32, default="", blank=True)  # "": there never was a policy
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
    # Whether any active Forward exists: "" none, "copy" and the mailbox too, "away" only there.
    # Kept by services/forwards.py, so that the one statement of routing need not join.
    forwarding = models.CharField(max_length=4, default="", blank=True)
    # Raised by every change of password or state: caches and sessions check against it.
    credential_version = models.PositiveIntegerField(default=1)
    # SCRAM-SHA-256 keys (RFC 5802), kept whenever a password is set: an argon2 hash cannot give
    # them later.
    scram_salt = models.BinaryField(max_length=16, default=b"")
    scram_iterations = models.PositiveIntegerField(default=0)
    scram_stored_key = models.BinaryField(max_length=32, default=b"")
    scram_server_key = models.BinaryField(max_length=32, default=b"")
    must_change_password = models.BooleanField(default=False)
    password_changed_at = models.DateTimeField(null=True, blank=True)
    # Whether it has a second factor: then the main password opens the web alone, and only with it.
    # Kept by services/users.py for `accounts`, so that sign-in at a mail door need not look there.
    has_factor = models.BooleanField(default=False)
    # Where a forgotten password's link goes, once that address has confirmed it.
    recovery_address = models.CharField(max_length=320, default="", blank=True)
    recovery_confirmed_at = models.DateTimeField(null=True, blank=True)
    # When somebody last got in, up to half a day behind (services/history.py), however long ago:
    # the sign-ins themselves are forgotten.
    seen_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(default=timezone.now)

    objects = UserManager()

    USERNAME_FIELD = "key"
    EMAIL_FIELD = "address"
    REQUIRED_FIELDS: ClassVar[list[str]] = ["address"]

    class Meta:
        indexes = [
            models.Index(fields=["domain", "key"], name="user_domain"),
            models.Index(fields=["name"], name="user_name"),  # who is called as a stranger is
            models.Index(fields=["kind", "key"], name="user_kind"),  # shared mailboxes, in order
            # Who was not seen for long; who never was counts from the first day.
            models.Index(Coalesce("seen_at", "created_at"), "id", name="user_idle"),
            # By what planners know without values: a state in a parameter finds no partial index.
            models.Index(
                fields=["removed_at", "id"],
                name="user_removed",
                condition=models.Q(removed_at__isnull=False),
            ),
        ]
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
    # Of a helpdesk: whether it resets passwords and second factors of users without a role.
    may_reset = models.BooleanField(default=False)

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
    REGEX = "regex"  # a regular expression for the whole local part, in `local`
    CATCH_ALL = "catch_all"  # @domain


class Alias(models.Model):
    """An address, or a pattern of addresses, that stands for others."""

    domain = models.ForeignKey(Domain, on_delete=models.CASCADE, related_name="aliases")
    kind = models.CharField(max_length=10, choices=PatternKind.choices, default=PatternKind.EXACT)
    local = models.CharField(max_length=200, default="", blank=True)  # casefolded; "" is catch-all
    state = models.CharField(max_length=12, choices=State.choices, default=State.ACTIVE)
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        indexes = [
            # None of `local` alone: planners would take it for an address, and "info" is in each
            # domain.
            # Few rows: what is left to try when no exact alias matches.
            models.Index(
                fields=["domain"],
                name="alias_wildcards",
                condition=models.Q(kind__in=[PatternKind.WILDCARD, PatternKind.REGEX]),
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
        # Which aliases lead to somebody: they are written in any case.
        indexes = [models.Index(Lower("address"), name="target_address")]
        constraints = [models.UniqueConstraint(fields=["alias", "address"], name="target_once")]

    def __str__(self) -> str:
        return self.address


class Forward(models.Model):
    """A user's own wish to have mail sent on to another address, once that address has agreed."""

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="forwards")
    address = models.CharField(max_length=320)
    digest = models.BinaryField(max_length=32, default=b"")  # SHA-256 of the confirmation's token
    asked_at = models.DateTimeField(default=timezone.now)
    confirmed_at = models.DateTimeField(null=True, blank=True)
    keeps_copy = models.BooleanField(default=True)  # in the mailbox too

    class Meta:
        constraints = [models.UniqueConstraint(fields=["user", "address"], name="forward_once")]

    def __str__(self) -> str:
        return self.address


class RelayRecipient(models.Model):
    """An address that exists on the server behind a relay domain."""

    domain = models.ForeignKey(Domain, on_delete=models.CASCADE, related_name="relay_recipients")
    key = models.CharField(max_length=320, unique=True)  # as User.key

    def __str__(self) -> str:
        return self.key


class TransportScope(models.TextChoices):
    """Which mail takes it; the more special one wins: recipient, sender, all."""

    RECIPIENT = "recipient"  # mail to a domain (and, with a leading dot, those below it)
    SENDER = "sender"  # mail from a domain of ours
    ALL = "all"


class TransportProtocol(models.TextChoices):
    """What is spoken there."""

    SMTP = "smtp"
    LMTP = "lmtp"


class TransportTls(models.TextChoices):
    """What TLS it must be."""

    NONE = "none"
    OPPORTUNISTIC = "opportunistic"
    ENCRYPT = "encrypt"
    VERIFY = "verify"
    IMPLICIT = "implicit"  # TLS from the first octet, verified


class Transport(models.Model):
    """Mail that does not go where MX records lead, but to a named host: a smarthost, or the server
    behind a relay domain."""

    scope = models.CharField(max_length=9, choices=TransportScope.choices)
    domain = models.CharField(max_length=254, default="", blank=True)  # "" for all
    protocol = models.CharField(max_length=4, choices=TransportProtocol.choices, default="smtp")
    host = models.CharField(max_length=253)  # a name (its MX is not asked) or an IP address
    port = models.PositiveIntegerField()
    tls = models.CharField(max_length=13, choices=TransportTls.choices, default="opportunistic")
    username = models.CharField(max_length=320, default="", blank=True)
    secret = models.BinaryField(default=b"")  # the password, sealed (apps.runtime.sealing)
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["scope", "domain"], name="transport_once")]

    def __str__(self) -> str:
        return f"{self.scope} {self.domain}: {self.protocol}:{self.host}:{self.port}"


class DkimAlgorithm(models.TextChoices):
    """RFC 6376 and RFC 8463."""

    RSA = "rsa"
    ED25519 = "ed25519"


class DkimState(models.TextChoices):
    """The life of a key."""

    PENDING = "pending"  # made; its DNS record is to be published
    ACTIVE = "active"  # signs
    RETIRING = "retiring"  # signs no more; its record must stay while signed mail is under way
    RETIRED = "retired"  # its record may go; the private key is gone


class DkimKey(models.Model):
    """A key that signs a domain's mail; rotation makes the next one."""

    domain = models.ForeignKey(Domain, on_delete=models.CASCADE, related_name="dkim_keys")
    selector = models.CharField(max_length=63)
    algorithm = models.CharField(max_length=7, choices=DkimAlgorithm.choices)
    state = models.CharField(max_length=8, choices=DkimState.choices, default=DkimState.PENDING)
    secret = models.BinaryField(default=b"")  # PKCS #8 DER, sealed (apps.runtime.sealing)
    public = models.TextField()  # base64, as the p= of its record
    created_at = models.DateTimeField(default=timezone.now)
    changed_at = models.DateTimeField(default=timezone.now)  # of state

    class Meta:
        constraints = [models.UniqueConstraint(fields=["domain", "selector"], name="dkim_once")]

    def __str__(self) -> str:
        return f"{self.selector}: {self.state}"


class AppPassword(models.Model):
    """A password for one program or device; random, so its SHA-256 is enough."""

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="app_passwords")
    name = models.CharField(max_length=100)
    digest = models.BinaryField(max_length=32, unique=True)
    # SCRAM-SHA-256 keys with the user's own salt and count: the salt is told before anybody knows
    # which of the passwords the client has.
    scram_stored_key = models.BinaryField(max_length=32, default=b"")
    scram_server_key = models.BinaryField(max_length=32, default=b"")
    protocols = models.CharField(max_length=60, default="", blank=True)  # "imap pop3 smtp"; "" all
    networks = models.TextField(default="[]")  # JSON list; empty: from everywhere
    expires_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(default=timezone.now)
    last_used_at = models.DateTimeField(null=True, blank=True)
    last_used_from = models.CharField(max_length=45, default="", blank=True)

    def __str__(self) -> str:
        return self.name


class AccessToken(models.Model):
    """A bearer token of our own for OAUTHBEARER and XOAUTH2; random, so its SHA-256 is enough."""

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="access_tokens")
    name = models.CharField(max_length=100)
    digest = models.BinaryField(max_length=32, unique=True)
    scopes = models.CharField(max_length=60)  # of "imap pop3 smtp"
    expires_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(default=timezone.now)
    last_used_at = models.DateTimeField(null=True, blank=True)
    last_used_from = models.CharField(max_length=45, default="", blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["user", "name"], name="directory_accesstoken_name")
        ]

    def __str__(self) -> str:
        return self.name


class OAuthClient(models.Model):
    """A mail program that people may let in (RFC 6749 section 2)."""

    name = models.CharField(max_length=80, unique=True)
    key = models.CharField(max_length=40, unique=True)  # client_id
    # SHA-256 of a random secret; NULL for a program that keeps none: what runs on people's machines
    secret = models.BinaryField(max_length=32, null=True)
    redirects = models.TextField()  # JSON list
    scopes = models.CharField(max_length=60)  # of "imap pop3 smtp"
    created_at = models.DateTimeField(default=timezone.now)

    def __str__(self) -> str:
        return self.name


class OAuthGrant(models.Model):
    """What a person let a program do: its access token, and what makes the next one of it.

    It goes with its access token, whoever revokes that.
    """

    token = models.OneToOneField(AccessToken, on_delete=models.CASCADE, related_name="grant")
    client = models.ForeignKey(OAuthClient, on_delete=models.CASCADE, related_name="grants")
    handle = models.CharField(max_length=22, unique=True)  # the first part of its refresh tokens
    refresh = models.BinaryField(max_length=32)  # SHA-256 of the one refresh token that works
    refresh_expires_at = models.DateTimeField(db_index=True)

    def __str__(self) -> str:
        return f"{self.client_id} {self.handle}"


class OAuthCode(models.Model):
    """What a browser brings back to a program; it is exchanged once, within a minute."""

    digest = models.BinaryField(max_length=32, unique=True)
    client = models.ForeignKey(OAuthClient, on_delete=models.CASCADE)
    user = models.ForeignKey(User, on_delete=models.CASCADE)
    redirect = models.CharField(max_length=510)  # redirect_uri, as it was asked for
    challenge = models.CharField(max_length=43)  # RFC 7636, S256
    scopes = models.CharField(max_length=60)
    expires_at = models.DateTimeField(db_index=True)
    used_at = models.DateTimeField(null=True, blank=True)
    grant = models.ForeignKey(OAuthGrant, on_delete=models.SET_NULL, null=True, blank=True)

    def __str__(self) -> str:
        return f"{self.client_id} {self.user_id}"


class ApiToken(models.Model):
    """A bearer token for the interface for programs; random, so its SHA-256 is enough.

    It stands for its user, as far as its scopes go, and in its places alone if it is bound to some:
    one whose last place is gone is of no use, and does not become one for everywhere.
    """

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="api_tokens")
    name = models.CharField(max_length=100)
    digest = models.BinaryField(max_length=32, unique=True)
    hint = models.CharField(max_length=8)  # its last characters: which one it is, in a list
    scopes = models.TextField()  # "domains:read users:write", in order
    is_bound = models.BooleanField(default=False)
    networks = models.TextField(default="[]")  # JSON list; empty: from everywhere
    expires_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(default=timezone.now)
    last_used_at = models.DateTimeField(null=True, blank=True)
    last_used_from = models.CharField(max_length=45, default="", blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["user", "name"], name="directory_apitoken_name")
        ]

    def __str__(self) -> str:
        return self.name


class ApiTokenPlace(models.Model):
    """Where a bound token works: an organisation with all its domains, or a domain with its alias
    domains."""

    token = models.ForeignKey(ApiToken, on_delete=models.CASCADE, related_name="places")
    organization = models.ForeignKey(Organization, on_delete=models.CASCADE, null=True, blank=True)
    domain = models.ForeignKey(Domain, on_delete=models.CASCADE, null=True, blank=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=models.Q(organization__isnull=True) ^ models.Q(domain__isnull=True),
                name="token_place_is_one",
            )
        ]

    def __str__(self) -> str:
        return f"{self.token_id}: {self.organization_id or ''} {self.domain_id or ''}"


class Delegation(models.Model):
    """What one user may do in the name of another, or of a shared mailbox."""

    owner = models.ForeignKey(User, on_delete=models.CASCADE, related_name="delegations")
    delegate = models.ForeignKey(User, on_delete=models.CASCADE, related_name="delegated")
    # From is the owner's, and nothing tells who wrote it; or with the delegate's Sender field.
    may_send_as = models.BooleanField(default=False)
    may_send_on_behalf = models.BooleanField(default=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["owner", "delegate"], name="delegation_once")
        ]

    def __str__(self) -> str:
        return f"{self.delegate_id} for {self.owner_id}"


class SendLimit(models.Model):
    """How much may be sent; NULL leaves it to the settings (users) or sets no limit (others)."""

    user = models.OneToOneField(User, on_delete=models.CASCADE, null=True, blank=True)
    domain = models.OneToOneField(Domain, on_delete=models.CASCADE, null=True, blank=True)
    organization = models.OneToOneField(
        Organization, on_delete=models.CASCADE, null=True, blank=True
    )
    messages_per_hour = models.PositiveIntegerField(null=True, blank=True)
    messages_per_day = models.PositiveIntegerField(null=True, blank=True)
    recipients_per_hour = models.PositiveIntegerField(null=True, blank=True)
    recipients_per_day = models.PositiveIntegerField(null=True, blank=True)
    recipients_per_message = models.PositiveIntegerField(null=True, blank=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=(
                    models.Q(user__isnull=False, domain__isnull=True, organization__isnull=True)
                    | models.Q(user__isnull=True, domain__isnull=False, organization__isnull=True)
                    | models.Q(user__isnull=True, domain__isnull=True, organization__isnull=False)
                ),
                name="send_limit_has_its_scope",
            )
        ]

    def __str__(self) -> str:
        return f"{self.user_id or ''} {self.domain_id or ''} {self.organization_id or ''}"


class SendCount(models.Model):
    """What was sent in an hour or a day; hot counters, written by constant SQL only."""

    scope = models.CharField(max_length=24)  # user/12, domain/3, organization/1
    period = models.CharField(max_length=8)  # h/493210: hours since 1970; d/20550: days
    messages = models.PositiveIntegerField(default=0)
    recipients = models.PositiveIntegerField(default=0)
    is_told = models.BooleanField(default=False)  # administrators know that the limit was reached

    class Meta:
        constraints = [models.UniqueConstraint(fields=["scope", "period"], name="send_count_once")]

    def __str__(self) -> str:
        return f"{self.scope} {self.period}"


class OneTimeLink(models.Model):
    """A link that works once: first operator, a new password, the proof of a recovery address.
    Only the digest is kept."""

    purpose = models.CharField(max_length=20)
    digest = models.BinaryField(max_length=32, unique=True)  # SHA-256 of the token
    user = models.ForeignKey(User, on_delete=models.CASCADE, null=True, blank=True)
    address = models.CharField(max_length=320, default="", blank=True)  # that is to be proved
    expires_at = models.DateTimeField()
    used_at = models.DateTimeField(null=True, blank=True)

    def __str__(self) -> str:
        return self.purpose


class Outcome(models.TextChoices):
    """How a sign-in ended."""

    OK = "ok"
    WRONG = "wrong"  # the password, or the code
    REFUSED = "refused"  # what was shown is right, but does not open this door
    SUSPENDED = "suspended"


class Means(models.TextChoices):
    """What was shown at a sign-in."""

    PASSWORD = "password"  # noqa: S105  (a name)
    TOTP = "totp"
    RECOVERY_CODE = "recovery_code"
    PASSKEY = "passkey"
    TRUSTED_DEVICE = "trusted_device"
    APP_PASSWORD = "app_password"  # noqa: S105  (a name)
    TOKEN = "token"  # noqa: S105  (a name)
    ACTING = "acting"  # an administrator looks as the user


class SignIn(models.Model):
    """Sign-ins of a user, alike within an hour: what its owner is shown, for 90 days.

    Rows are found by `digest`, which covers all that makes two sign-ins alike (services/history.py
    says what), so that a mail program that signs in every minute costs one row an hour.
    """

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="sign_ins")
    digest = models.BinaryField(max_length=16, unique=True)
    outcome = models.CharField(max_length=9, choices=Outcome.choices)
    door = models.CharField(max_length=10)  # web, imap, pop3, submission, …
    means = models.CharField(max_length=14, choices=Means.choices)
    via = models.CharField(
        max_length=320, default="", blank=True
    )  # which app password, or who acts
    address = models.CharField(max_length=45, default="", blank=True)  # the client's
    client = models.CharField(max_length=200, default="", blank=True)  # what it calls itself
    is_new_place = models.BooleanField(default=False)  # no sign-in from this network in 30 days
    first_at = models.DateTimeField()
    last_at = models.DateTimeField()
    times = models.PositiveIntegerField(default=1)

    class Meta:
        indexes = [models.Index(fields=["user", "-last_at"], name="signin_of_user")]

    def __str__(self) -> str:
        return f"{self.user_id} {self.outcome} {self.door}"
