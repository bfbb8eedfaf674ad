"""The URL map: each face brings its own."""

from django.urls import include, path

urlpatterns = [
    path("", include("apps.ops.urls")),
    path("", include("apps.wellknown.urls")),
    path("", include("apps.webmail.urls")),
    path("", include("apps.console.urls")),
    path("", include("apps.api.urls")),
    path("", include("apps.demo.urls")),
]
