"""Addresses of letters."""

from django.urls import path

from apps.api.submissions.views import OneSubmission, RawSubmissions, Submissions
from apps.ui import converters  # noqa: F401  (it registers `<ulid:…>`)

urlpatterns = [
    path("submissions", Submissions.as_view(), name="api-submissions"),
    path("submissions/raw", RawSubmissions.as_view(), name="api-submissions-raw"),
    path(
        "submissions/<ulid:submission_id>",
        OneSubmission.as_view(),
        name="api-submission",
    ),
]
