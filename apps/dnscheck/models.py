"""What was last found of our domains' records, and what is left so on purpose."""

from django.db import models
from django.utils import timezone


class DomainCheck(models.Model):
    """How a domain's records stand. The records that it should have are never kept: they follow
    from the domain and the settings (`expected.py`), so that nothing old is shown as wanted.

    Everything in `findings` came from strangers, and was cut before it was kept.
    """

    domain = models.OneToOneField(
        "directory.Domain", on_delete=models.CASCADE, primary_key=True, related_name="dns_check"
    )
    due_at = models.DateTimeField(default=timezone.now)
    requested_at = models.DateTimeField(null=True, blank=True)  # None: nobody waits for it
    lease_until = models.DateTimeField(null=True, blank=True)  # somebody checks it until then
    checked_at = models.DateTimeField(null=True, blank=True)  # of the last that could ask
    trouble_since = models.DateTimeField(null=True, blank=True)  # None: required ones are right
    host = models.CharField(max_length=253, default="", blank=True)  # who serves its zone
    trouble = models.CharField(max_length=500, default="", blank=True)
    findings = models.JSONField(default=dict)  # by the id of what is wanted: `kept.py`
    standings = models.JSONField(default=dict)  # the same, short: for lists of domains
    left = models.JSONField(default=list)  # ids (or kinds) of records that are so on purpose
    is_elsewhere = models.BooleanField(default=False)
    is_alarming = models.BooleanField(default=False)  # and neither left nor elsewhere
    told_at = models.DateTimeField(null=True, blank=True)  # its administrators, last

    class Meta:
        indexes = [
            models.Index(fields=["due_at"], name="dns_check_due"),
            models.Index(
                fields=["domain"], name="dns_check_alarming", condition=models.Q(is_alarming=True)
            ),
        ]

    def __str__(self) -> str:
        return str(self.domain_id)


class HostAddress(models.Model):
    """An address that the DNS gave this host's name when a domain was last checked: whose reverse
    record is asked for is not known otherwise."""

    address = models.CharField(max_length=45, primary_key=True)
    host = models.CharField(max_length=253)
    seen_at = models.DateTimeField()

    def __str__(self) -> str:
        return self.address
