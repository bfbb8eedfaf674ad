"""Whom a person knows: cards, their addresses, and groups of them."""

from django.conf import settings
from django.db import models
from django.db.models.functions import Lower


class Kind(models.TextChoices):
    """What an address or a number is for; "" where nobody says."""

    OTHER = ""
    HOME = "home"
    WORK = "work"
    MOBILE = "mobile"  # of numbers alone


class Contact(models.Model):
    """A card. What of a card these columns do not hold, is kept in `rest` as it was written, so
    that it goes out again."""

    id = models.BigAutoField(primary_key=True)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, db_index=False, related_name="contacts"
    )
    uid = models.CharField(max_length=255)  # RFC 6350 section 6.7.6: the same card comes again
    name = models.CharField(max_length=200)  # as it is shown; never empty
    parts = models.CharField(max_length=500, blank=True, default="")  # N, as it was written
    company = models.CharField(max_length=200, blank=True, default="")
    title = models.CharField(max_length=200, blank=True, default="")
    note = models.TextField(blank=True, default="")
    rest = models.TextField(blank=True, default="")  # unfolded lines of a vCard
    folded = models.CharField(max_length=400)  # the name as it is sorted
    words = models.TextField()  # all that is searched, folded
    changed_at = models.BigIntegerField()  # Unix seconds

    class Meta:
        constraints = [models.UniqueConstraint(fields=["user", "uid"], name="contact_once")]
        indexes = [models.Index(fields=["user", "folded", "id"], name="contact_by_name")]

    def __str__(self) -> str:
        return self.name


class ContactEmail(models.Model):
    """An address of a card. `user` is its owner's too: it is asked whom a user knows, for many
    messages at a time."""

    id = models.BigAutoField(primary_key=True)
    contact = models.ForeignKey(Contact, on_delete=models.CASCADE, related_name="emails")
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, db_index=False, related_name="+"
    )
    place = models.PositiveSmallIntegerField()  # the first is the one to write to
    key = models.CharField(max_length=320)  # Address.key
    address = models.CharField(max_length=320)  # as it is written
    kind = models.CharField(max_length=8, choices=Kind.choices, blank=True, default=Kind.OTHER)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["contact", "key"], name="contact_email_once")
        ]
        indexes = [models.Index(fields=["user", "key"], name="contact_email_known")]

    def __str__(self) -> str:
        return self.address


class ContactPhone(models.Model):
    """A number of a card, as it was written."""

    id = models.BigAutoField(primary_key=True)
    contact = models.ForeignKey(Contact, on_delete=models.CASCADE, related_name="phones")
    place = models.PositiveSmallIntegerField()
    number = models.CharField(max_length=60)
    kind = models.CharField(max_length=8, choices=Kind.choices, blank=True, default=Kind.OTHER)

    def __str__(self) -> str:
        return self.number


class ContactGroup(models.Model):
    """Cards that are written to together."""

    id = models.BigAutoField(primary_key=True)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, db_index=False, related_name="+"
    )
    name = models.CharField(max_length=100)
    contacts: "models.ManyToManyField[Contact, ContactMember]" = models.ManyToManyField(
        Contact, through="ContactMember", related_name="groups"
    )

    class Meta:
        constraints = [
            models.UniqueConstraint(models.F("user"), Lower("name"), name="contact_group_once")
        ]

    def __str__(self) -> str:
        return self.name


class ContactMember(models.Model):
    """A card in a group."""

    id = models.BigAutoField(primary_key=True)
    group = models.ForeignKey(ContactGroup, on_delete=models.CASCADE, related_name="members")
    contact = models.ForeignKey(Contact, on_delete=models.CASCADE, related_name="memberships")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["group", "contact"], name="contact_member_once")
        ]

    def __str__(self) -> str:
        return f"{self.contact_id} in {self.group_id}"
