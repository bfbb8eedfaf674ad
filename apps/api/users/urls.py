"""Addresses of users."""

from django.urls import path

from apps.api.users.bulk import BulkUsers
from apps.api.users.views import OneUser, Renaming, Users

_ONE = "users/<int:user_id>"

urlpatterns = [
    path("users", Users.as_view(), name="api-users"),
    path("users/bulk", BulkUsers.as_view(), name="api-users-bulk"),
    path(_ONE, OneUser.as_view(), name="api-user"),
    path(f"{_ONE}/rename", Renaming.as_view(), name="api-user-rename"),
]
