"""What we know of other mail domains and their servers: TLS policies, and how TLS went.

Rows are caches and counters; losing them costs look-ups, never mail.
"""

from django.db import models


class StsPolicy(models.Model):
    """The MTA-STS policy of a domain as last fetched (RFC 8461). Kept until `expires_at` even when
    the domain's DNS says nothing any more: that is what protects against a downgrade."""

    domain = models.CharField(max_length=253, primary_key=True)  # A-label
    policy_id = models.CharField(max_length=32)
    mode = models.CharField(max_length=8)  # enforce, testing, none
    patterns = models.TextField(default="[]")  # JSON list of mx patterns
    text = models.TextField(default="")  # the policy as fetched, for reports
    fetched_at = models.BigIntegerField()  # Unix seconds
    expires_at = models.BigIntegerField()

    def __str__(self) -> str:
        return f"{self.domain}: {self.mode}"


class TlsMode(models.TextChoices):
    """What an administrator demands for a destination, in place of what it says itself."""

    NONE = "none"  # never TLS
    OPPORTUNISTIC = "opportunistic"
    ENCRYPT = "encrypt"  # TLS, whoever answers
    VERIFY = "verify"  # TLS with a certificate for the host's name
    DANE = "dane"  # DANE or nothing


class TlsOverride(models.Model):
    """An administrator's TLS policy for one destination domain (`.example.org`: and below)."""

    domain = models.CharField(max_length=254, unique=True)
    mode = models.CharField(max_length=14, choices=TlsMode.choices)
    names = models.TextField(default="[]")  # JSON: names the certificate may have instead
    created_at = models.BigIntegerField()  # Unix seconds

    def __str__(self) -> str:
        return f"{self.domain}: {self.mode}"


class TlsResult(models.Model):
    """How many sessions with a domain went which way in one day: rows of its report (RFC 8460)."""

    day = models.IntegerField()  # days since 1970-01-01 UTC
    domain = models.CharField(max_length=253)
    policy_type = models.CharField(max_length=16)  # tlsa, sts, no-policy-found
    policy = models.TextField(default="[]")  # JSON list: policy-string lines of the report
    mx_patterns = models.TextField(default="[]")
    result = models.CharField(max_length=40)  # "" is success, else a result-type of RFC 8460 s4.3
    mx_host = models.CharField(max_length=253, default="")
    sending_address = models.CharField(max_length=45, default="")
    receiving_address = models.CharField(max_length=45, default="")
    reason = models.CharField(max_length=300, default="")
    sessions = models.PositiveIntegerField(default=0)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=[
                    "day",
                    "domain",
                    "policy_type",
                    "result",
                    "mx_host",
                    "sending_address",
                    "receiving_address",
                ],
                name="tls_result_once",
            )
        ]

    def __str__(self) -> str:
        return f"{self.domain} {self.day}: {self.result or 'success'} {self.sessions}"


class TlsReport(models.Model):
    """A report that was made for a domain and day, so that it is made once."""

    day = models.IntegerField()
    domain = models.CharField(max_length=253)
    sent_at = models.BigIntegerField(default=0)  # Unix seconds; 0: not sent
    outcome = models.CharField(max_length=300, default="")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["day", "domain"], name="tls_report_once")]

    def __str__(self) -> str:
        return f"{self.domain} {self.day}"
