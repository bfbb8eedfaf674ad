"""What users have taught: lessons, and what they come to.

`Token` is the sum of the lessons, exactly: each keeps its tokens, so that it can be taken back, and
that old ones can be forgotten. An owner is a user (the id) or an organisation (minus its id); a
lesson of a user counts for the organisation too.
"""

from django.db import models


class Taught(models.Model):
    """How many lessons an owner has. Whoever changes anything of an owner locks this row first."""

    owner = models.BigIntegerField(primary_key=True)
    spam = models.IntegerField(default=0)
    ham = models.IntegerField(default=0)

    def __str__(self) -> str:
        return f"{self.owner}: {self.spam} spam, {self.ham} ham"


class Token(models.Model):
    """How many lessons of an owner have a token, see `bayes.tokens.key_of`."""

    pk = models.CompositePrimaryKey("owner", "token")
    owner = models.BigIntegerField()
    token = models.IntegerField()
    spam = models.IntegerField(default=0)
    ham = models.IntegerField(default=0)

    def __str__(self) -> str:
        return f"{self.owner}: {self.token}"


class Lesson(models.Model):
    """What an owner said of one message."""

    id = models.BigAutoField(primary_key=True)
    owner = models.BigIntegerField()
    organization = models.BigIntegerField(default=0)  # for which it counts too; 0: for none
    message = models.BigIntegerField()  # 64 bits of its hash
    is_spam = models.BooleanField()
    at = models.BigIntegerField()  # Unix seconds
    tokens = models.BinaryField()  # their keys, 32 bits each, little-endian

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["owner", "message"], name="lesson_once"),
        ]
        indexes = [
            models.Index(fields=["owner", "is_spam", "at"], name="lesson_age"),
            models.Index(
                fields=["organization", "is_spam", "at"],
                name="lesson_shared_age",
                condition=~models.Q(organization=0),
            ),
            models.Index(fields=["at"], name="lesson_oldest"),
        ]

    def __str__(self) -> str:
        return f"{self.owner}: {'spam' if self.is_spam else 'ham'}"
