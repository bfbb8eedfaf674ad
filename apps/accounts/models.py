"""How people prove who they are on the web, and where they are signed in.

Second factors are devices of django-otp; what can be had back in clear is sealed, what need not be
is kept as a digest.
"""

from django.conf import settings
from django.db import models
from django.utils import timezone
from django_otp.models import Device, TimestampMixin


class Authenticator(TimestampMixin, Device):
    """An authenticator app: codes of six digits that change every 30 seconds (RFC 6238).

    `confirmed` is False until the first code was shown.
    """

    secret = models.BinaryField()  # 20 bytes, sealed (apps.runtime.sealing) for `totp/<user id>`
    last_step = models.BigIntegerField(default=-1)  # of the last code taken; none before it works
    drift = models.SmallIntegerField(default=0)  # steps by which its clock was off

    class Meta:
        constraints = [
            # A new one waits beside the old one until its first code was shown.
            models.UniqueConstraint(fields=["user", "confirmed"], name="authenticator_once")
        ]


class Passkey(TimestampMixin, Device):
    """A passkey or security key (WebAuthn level 3 section 4, "credential record").

    What its maker says of it (attestation) is neither asked for nor kept.
    """

    credential_id = models.BinaryField(max_length=1023)
    digest = models.BinaryField(max_length=32, unique=True)  # SHA-256 of `credential_id`
    # What authenticators know its user by: 64 random bytes, the same for all passkeys of a user.
    handle = models.BinaryField(max_length=64)
    public_key = models.BinaryField(max_length=1023)  # COSE
    sign_count = models.BigIntegerField(default=0)  # unsigned 32 bits; 0 if it does not count
    transports = models.JSONField(default=list)  # how browsers reach it: usb, nfc, internal, …
    is_backed_up = models.BooleanField(default=False)  # by its maker's cloud
    aaguid = models.CharField(max_length=36, default="", blank=True)  # its model


class RecoveryCode(models.Model):
    """A code that stands in for a lost second factor, once."""

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="recovery_codes"
    )
    digest = models.BinaryField(max_length=32)  # SHA-256: they are random, 64 bits and more
    created_at = models.DateTimeField(default=timezone.now)
    used_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["user", "digest"], name="recovery_code_once")
        ]

    def __str__(self) -> str:
        return f"of {self.user_id}"


class TrustedDevice(models.Model):
    """A browser that need not show a second factor for 30 days; the cookie's digest is kept."""

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="trusted_devices"
    )
    digest = models.BinaryField(max_length=32, unique=True)  # SHA-256
    credential_version = models.PositiveIntegerField()  # a new password ends the trust
    client = models.CharField(max_length=200, default="", blank=True)
    created_at = models.DateTimeField(default=timezone.now)
    last_used_at = models.DateTimeField(default=timezone.now)
    expires_at = models.DateTimeField()

    def __str__(self) -> str:
        return self.client


class WebSession(models.Model):
    """A browser that is signed in, or on its way to it; apps.accounts.sessions is Django's engine.

    The key is the SHA-256 of the cookie, so that a copy of the database opens nothing.
    """

    session_key = models.CharField(max_length=64, primary_key=True)  # hexadecimal
    session_data = models.TextField()
    expire_date = models.DateTimeField(db_index=True)  # Django's; the earlier of both limits
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.CASCADE,
        null=True,
        blank=True,
        related_name="web_sessions",
    )
    created_at = models.DateTimeField(default=timezone.now)  # of the sign-in
    seen_at = models.DateTimeField(default=timezone.now)  # to five minutes
    address = models.CharField(max_length=45, default="", blank=True)
    client = models.CharField(max_length=200, default="", blank=True)  # User-Agent, cut
    means = models.CharField(max_length=14, default="", blank=True)  # directory.models.Means
    is_kept = models.BooleanField(default=False)  # "keep me signed in"
    # The administrator who looks as the user.
    acting = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.CASCADE,
        null=True,
        blank=True,
        related_name="acting_sessions",
    )

    class Meta:
        indexes = [models.Index(fields=["user", "-seen_at"], name="session_of_user")]

    def __str__(self) -> str:
        return f"{self.user_id}: {self.client}"
