"""Addresses of one's own account."""

from django.urls import path

from apps.api.account.views import (
    Account,
    OneAppPassword,
    OneForward,
    OwnAppPasswords,
    OwnForwards,
    OwnVacation,
)

urlpatterns = [
    path("account", Account.as_view(), name="api-account"),
    path("account/vacation", OwnVacation.as_view(), name="api-account-vacation"),
    path("account/forwards", OwnForwards.as_view(), name="api-account-forwards"),
    path("account/forwards/<int:forward_id>", OneForward.as_view(), name="api-account-forward"),
    path("account/app-passwords", OwnAppPasswords.as_view(), name="api-account-app-passwords"),
    path(
        "account/app-passwords/<int:password_id>",
        OneAppPassword.as_view(),
        name="api-account-app-password",
    ),
]
