"""Addresses of users."""

from django.urls import path

from apps.api.users.bulk import BulkUsers
from apps.api.users.credentials import (
    Factors,
    Password,
    PasswordLink,
    Sessions,
    SignIns,
    UserApiToken,
    UserAppPassword,
    UserAppPasswords,
    UserMailToken,
    UserTokens,
)
from apps.api.users.removed import RemovedUser, RemovedUsers, Restoring
from apps.api.users.replies import UserForward, UserForwards, UserReply
from apps.api.users.usage import DeletedMail, OneUsage, Usages, UserLimits
from apps.api.users.views import OneUser, Renaming, Users

_ONE = "users/<int:user_id>"

urlpatterns = [
    path("users", Users.as_view(), name="api-users"),
    path("users/bulk", BulkUsers.as_view(), name="api-users-bulk"),
    path(_ONE, OneUser.as_view(), name="api-user"),
    path(f"{_ONE}/rename", Renaming.as_view(), name="api-user-rename"),
    path(f"{_ONE}/password", Password.as_view(), name="api-user-password"),
    path(f"{_ONE}/password-link", PasswordLink.as_view(), name="api-user-password-link"),
    path(f"{_ONE}/factors", Factors.as_view(), name="api-user-factors"),
    path(f"{_ONE}/sessions", Sessions.as_view(), name="api-user-sessions"),
    path(f"{_ONE}/sign-ins", SignIns.as_view(), name="api-user-sign-ins"),
    path(f"{_ONE}/app-passwords", UserAppPasswords.as_view(), name="api-user-app-passwords"),
    path(
        f"{_ONE}/app-passwords/<int:credential_id>",
        UserAppPassword.as_view(),
        name="api-user-app-password",
    ),
    path(f"{_ONE}/tokens", UserTokens.as_view(), name="api-user-tokens"),
    path(
        f"{_ONE}/mail-tokens/<int:credential_id>",
        UserMailToken.as_view(),
        name="api-user-mail-token",
    ),
    path(
        f"{_ONE}/api-tokens/<int:credential_id>",
        UserApiToken.as_view(),
        name="api-user-api-token",
    ),
    path(f"{_ONE}/vacation", UserReply.as_view(), name="api-user-vacation"),
    path(f"{_ONE}/forwards", UserForwards.as_view(), name="api-user-forwards"),
    path(f"{_ONE}/forwards/<int:forward_id>", UserForward.as_view(), name="api-user-forward"),
    path("usage", Usages.as_view(), name="api-usages"),
    path(f"{_ONE}/usage", OneUsage.as_view(), name="api-user-usage"),
    path(f"{_ONE}/limits", UserLimits.as_view(), name="api-user-limits"),
    path(f"{_ONE}/deleted-mail", DeletedMail.as_view(), name="api-user-deleted-mail"),
    path("removed-users", RemovedUsers.as_view(), name="api-removed-users"),
    path("removed-users/<int:user_id>", RemovedUser.as_view(), name="api-removed-user"),
    path(
        "removed-users/<int:user_id>/restore", Restoring.as_view(), name="api-removed-user-restore"
    ),
]
