"""Addresses of messages."""

from django.urls import path

from apps.api.messages.acts import Copying, Expunging, Marking, Moving, Restoring
from apps.api.messages.searching import Deleted, Searching
from apps.api.messages.views import Attachment, Messages, OneMessage, Raw

_ALL = "mailboxes/<int:mailbox_id>/messages"
_ONE = f"{_ALL}/<int:uid>"

urlpatterns = [
    path("messages", Searching.as_view(), name="api-messages-search"),
    path(_ALL, Messages.as_view(), name="api-messages"),
    path(f"{_ALL}/mark", Marking.as_view(), name="api-messages-mark"),
    path(f"{_ALL}/move", Moving.as_view(), name="api-messages-move"),
    path(f"{_ALL}/copy", Copying.as_view(), name="api-messages-copy"),
    path(f"{_ALL}/delete", Expunging.as_view(), name="api-messages-delete"),
    path(f"{_ALL}/deleted", Deleted.as_view(), name="api-messages-deleted"),
    path(f"{_ALL}/restore", Restoring.as_view(), name="api-messages-restore"),
    path(_ONE, OneMessage.as_view(), name="api-message"),
    path(f"{_ONE}/raw", Raw.as_view(), name="api-message-raw"),
    path(f"{_ONE}/parts/<int:part>", Attachment.as_view(), name="api-message-part"),
]
