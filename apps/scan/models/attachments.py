"""What a domain, or the server, wants done with files of one sort.

docs/attachments.md tells which entry decides; `attachments.policy` does it.
"""

from django.db import models


class AttachmentPolicy(models.Model):
    """One entry; without a domain it is the server's."""

    domain = models.ForeignKey(
        "directory.Domain", on_delete=models.CASCADE, null=True, related_name="+"
    )
    what = models.CharField(max_length=9)  # policy.What
    value = models.CharField(max_length=100)  # lower case
    action = models.CharField(max_length=10)  # one of policy.ACTIONS

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["domain", "what", "value"], name="attachment_policy_of_domain"
            ),
            # Where NULLs are all different, the first one does not hold for the server's entries.
            models.UniqueConstraint(
                fields=["what", "value"],
                condition=models.Q(domain__isnull=True),
                name="attachment_policy_of_server",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.what} {self.value}: {self.action}"
