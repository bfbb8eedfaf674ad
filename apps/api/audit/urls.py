"""Addresses of the audit log."""

from django.urls import path

from apps.api.audit.views import Log, OneAct

urlpatterns = [
    path("audit", Log.as_view(), name="api-audit"),
    path("audit/<int:record_id>", OneAct.as_view(), name="api-audit-record"),
]
