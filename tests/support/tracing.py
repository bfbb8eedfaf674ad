"""The trace as it is once the queue has told it all."""

from django.db import transaction

from apps.mailqueue.models import QueuedMessage
from apps.mailqueue.services import owing


def told() -> None:
    """Have recorded what doors left to be recorded by whoever processes their messages."""
    with transaction.atomic():
        owing.tell(list(QueuedMessage.objects.order_by("pk").values_list("pk", flat=True)))
