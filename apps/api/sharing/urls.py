"""Addresses of shared mailboxes and delegations."""

from django.urls import path

from apps.api.sharing.lending import Delegate, Delegates, Lending, Shares
from apps.api.sharing.views import Everybody, Members, OneMember, SharedMailbox, SharedMailboxes

_ONE = "shared-mailboxes/<int:user_id>"
_USER = "users/<int:user_id>"

urlpatterns = [
    path("shared-mailboxes", SharedMailboxes.as_view(), name="api-shared-mailboxes"),
    path(f"{_ONE}/members", Members.as_view(), name="api-members"),
    path(f"{_ONE}/members/anyone", Everybody.as_view(), name="api-members-anyone"),
    path(f"{_ONE}/members/<int:member_id>", OneMember.as_view(), name="api-member"),
    path(_ONE, SharedMailbox.as_view(), name="api-shared-mailbox"),
    path(f"{_USER}/sharing", Lending.as_view(), name="api-user-sharing"),
    path(f"{_USER}/delegates", Delegates.as_view(), name="api-user-delegates"),
    path(f"{_USER}/delegates/<int:delegate_id>", Delegate.as_view(), name="api-user-delegate"),
    path(f"{_USER}/shares", Shares.as_view(), name="api-user-shares"),
]
