"""What administrators did. Rows are added and read, never changed; old ones go when the
installation says how long they are kept. The database itself refuses anything else (migrations).
"""

from django.db import models


class AuditRecord(models.Model):
    """One act: who, when, from where, what, on whom. Never a secret.

    No foreign keys: what it tells of may be long gone. The three ids say whose administrators may
    read it; None for what belongs to the whole installation.
    """

    at = models.DateTimeField()
    # user: somebody signed in; command: who runs commands on this machine; service: mailhost itself
    actor_kind = models.CharField(max_length=7)
    actor_id = models.BigIntegerField(null=True, blank=True)  # of a user
    actor = models.CharField(max_length=320)  # address, or the name on this machine
    acting_for = models.CharField(max_length=320, default="", blank=True)  # as whom, if as another
    door = models.CharField(max_length=10, default="", blank=True)  # web, command, api, …
    via = models.CharField(max_length=120, default="", db_default="", blank=True)  # the API token
    address = models.CharField(max_length=45, default="", blank=True)  # the client's
    action = models.CharField(max_length=60)  # user.suspend, domain.add, …
    subject = models.CharField(max_length=400, default="", blank=True)  # its name at that time
    organization_id = models.BigIntegerField(null=True, blank=True)
    domain_id = models.BigIntegerField(null=True, blank=True)
    user_id = models.BigIntegerField(null=True, blank=True)
    detail = models.JSONField(default=dict)  # what was changed, to what

    class Meta:
        indexes = [
            models.Index(fields=["at"], name="audit_at"),
            models.Index(fields=["organization_id", "id"], name="audit_organization"),
            models.Index(fields=["domain_id", "id"], name="audit_domain"),
            models.Index(fields=["user_id", "id"], name="audit_user"),
            models.Index(fields=["actor_id", "id"], name="audit_actor"),
        ]

    def __str__(self) -> str:
        return f"{self.actor} {self.action} {self.subject}"
