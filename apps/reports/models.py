"""What is reported on mail in somebody's name: by us of other domains, by others of ours.

`Dmarc…` tables are the ground of the reports that we send (RFC 7489 section 7.2): counters, of
which losing some costs a report a little truth. `Received…` tables hold what others reported of our
domains. `Arrival` is the list of mail that may carry such a report and still is to be read.
"""

from django.db import models


class DmarcDay(models.Model):
    """The mail of one day in the name of one domain that wants reports, and what became of its
    report."""

    day = models.IntegerField()  # days since 1970-01-01 UTC
    domain = models.CharField(max_length=253)  # A-label; whose DMARC record it is
    family = models.CharField(max_length=253)  # its organisational domain
    record = models.CharField(max_length=2000)  # as last met that day
    kinds = models.PositiveIntegerField(default=0)  # rows of DmarcCount, a little more at times
    left_out = models.BigIntegerField(default=0)  # messages for whose kind there was no room
    sent_at = models.BigIntegerField(default=0)  # Unix seconds; 0: not sent
    outcome = models.CharField(max_length=500, default="")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["day", "domain"], name="dmarc_day_once")]
        indexes = [models.Index(fields=["day", "family"], name="dmarc_day_family")]

    def __str__(self) -> str:
        return f"{self.domain} {self.day}"


class DmarcCount(models.Model):
    """Messages of a day and domain that are alike in all that a report tells."""

    day = models.IntegerField()
    domain = models.CharField(max_length=253)
    key = models.CharField(max_length=32)  # digest of all that follows but `messages`
    address = models.CharField(max_length=45)  # of the client
    disposition = models.CharField(max_length=10)  # none, quarantine, reject: what was done
    dkim = models.BooleanField()  # passed and aligned
    spf = models.BooleanField()
    override = models.CharField(max_length=20, default="")  # a word of RFC 7489 appendix C
    comment = models.CharField(max_length=200, default="")
    header_from = models.CharField(max_length=253)
    envelope_from = models.CharField(max_length=253, default="")  # "" is the null path
    results = models.TextField(default="{}")  # JSON: {"dkim": [[d, s, result]], "spf": …}
    messages = models.BigIntegerField(default=0)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["day", "domain", "key"], name="dmarc_count_once")
        ]

    def __str__(self) -> str:
        return f"{self.domain} {self.day} {self.address}: {self.messages}"


class Arrival(models.Model):
    """Mail to one of our users that may carry a report, until it has been read."""

    trace_id = models.UUIDField(primary_key=True)
    blob = models.ForeignKey("blobs.Blob", on_delete=models.PROTECT, db_constraint=False)
    readers = models.TextField()  # JSON list of user ids who got it
    sender = models.CharField(max_length=253, default="")  # domain of From
    is_genuine = models.BooleanField(default=False)  # DMARC, DKIM or SPF proved that domain
    at = models.BigIntegerField()  # Unix seconds
    lease_until = models.BigIntegerField(default=0)  # Unix seconds; somebody reads it until then
    tries = models.PositiveSmallIntegerField(default=0)  # readings that began

    class Meta:
        indexes = [models.Index(fields=["lease_until", "at"], name="arrival_due")]

    def __str__(self) -> str:
        return str(self.trace_id)


class ReportKind(models.TextChoices):
    """What is reported on."""

    DMARC = "dmarc"  # who sends in the domain's name (RFC 7489)
    TLS = "tls"  # how TLS with the domain's servers went (RFC 8460)


class ReceivedReport(models.Model):
    """A report that somebody sent of a domain of ours.

    Anybody can write such a report. `is_genuine` says that it came from `sender` for certain; not
    that what it tells is true.
    """

    kind = models.CharField(max_length=5, choices=ReportKind.choices)
    domain = models.ForeignKey("directory.Domain", on_delete=models.CASCADE)
    about = models.CharField(max_length=253)  # `domain`, or a name below it
    sender = models.CharField(max_length=253)  # domain of From, A-label
    is_genuine = models.BooleanField(default=False)
    reporter = models.CharField(max_length=200)  # as it calls itself
    contact = models.CharField(max_length=320, default="")
    report_id = models.CharField(max_length=255)
    begin = models.BigIntegerField()  # Unix seconds
    end = models.BigIntegerField()
    policy = models.TextField(default="{}")  # JSON: the policy as the reporter met it
    passed = models.BigIntegerField(default=0)  # messages, or sessions with TLS
    failed = models.BigIntegerField(default=0)
    left_out = models.PositiveIntegerField(default=0)  # rows beyond what is kept
    remarks = models.CharField(max_length=1000, default="")  # errors that the reporter tells of
    received_at = models.BigIntegerField()
    trace_id = models.UUIDField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["about", "kind", "sender", "is_genuine", "report_id"],
                name="received_report_once",
            )
        ]
        indexes = [
            models.Index(fields=["received_at"], name="received_report_age"),
            models.Index(fields=["domain", "received_at"], name="received_report_domain"),
        ]

    def __str__(self) -> str:
        return f"{self.about} {self.kind} {self.report_id}"


class ReceivedDmarc(models.Model):
    """A row of a DMARC report: messages in the domain's name that were alike."""

    report = models.ForeignKey(ReceivedReport, on_delete=models.CASCADE, related_name="dmarc_rows")
    address = models.CharField(max_length=45)
    messages = models.BigIntegerField()
    disposition = models.CharField(max_length=10)
    dkim = models.BooleanField()  # passed and aligned
    spf = models.BooleanField()
    reasons = models.CharField(max_length=300, default="")  # why not as the policy says
    header_from = models.CharField(max_length=253, default="")
    envelope_from = models.CharField(max_length=253, default="")
    envelope_to = models.CharField(max_length=253, default="")
    results = models.TextField(default="{}")  # JSON as in DmarcCount

    def __str__(self) -> str:
        return f"{self.address}: {self.messages}"


class ReceivedTls(models.Model):
    """A row of a report on TLS: sessions that went the same way."""

    report = models.ForeignKey(ReceivedReport, on_delete=models.CASCADE, related_name="tls_rows")
    policy_type = models.CharField(max_length=20)
    result = models.CharField(max_length=60, default="")  # "" is success
    sending_address = models.CharField(max_length=45, default="")
    mx_host = models.CharField(max_length=253, default="")
    receiving_address = models.CharField(max_length=45, default="")
    reason = models.CharField(max_length=300, default="")
    sessions = models.BigIntegerField()

    def __str__(self) -> str:
        return f"{self.result or 'success'}: {self.sessions}"
