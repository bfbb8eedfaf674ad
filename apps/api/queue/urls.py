"""Addresses of mail that waits."""

from django.urls import path

from apps.api.queue.places import PlaceActs, Places
from apps.api.queue.views import Acts, Messages, OneMessage, Undo
from apps.ui import converters  # noqa: F401  (it registers `<ulid:…>`)

urlpatterns = [
    path("queue", Messages.as_view(), name="api-queue"),
    path("queue/acts", Acts.as_view(), name="api-queue-acts"),
    path("queue/undo", Undo.as_view(), name="api-queue-undo"),
    path("queue/destinations", Places.as_view(), name="api-queue-destinations"),
    path("queue/destinations/acts", PlaceActs.as_view(), name="api-queue-destinations-acts"),
    path("queue/<ulid:message_id>", OneMessage.as_view(), name="api-queue-message"),
]
