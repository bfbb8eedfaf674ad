"""Addresses of mail that is kept from its readers."""

from django.urls import path

from apps.api.quarantine.views import Acts, Kept, Look, OneKept

urlpatterns = [
    path("quarantine", Kept.as_view(), name="api-quarantine"),
    path("quarantine/acts", Acts.as_view(), name="api-quarantine-acts"),
    path("quarantine/<int:number>", OneKept.as_view(), name="api-quarantine-message"),
    path("quarantine/<int:number>/look", Look.as_view(), name="api-quarantine-look"),
]
