"""Where there is nothing."""

from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from drf_spectacular.utils import extend_schema
from rest_framework.views import APIView


@extend_schema(exclude=True)
class Missing(APIView):
    """Answers as every other door does to what is not there; to anybody."""

    authentication_classes = ()
    permission_classes = ()

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """Whatever the verb."""
        self.headers = self.default_response_headers
        self.request = self.initialize_request(request, *args, **kwargs)
        self.args, self.kwargs = args, kwargs
        self.format_kwarg = None
        response = self.handle_exception(Http404())
        self.response = self.finalize_response(self.request, response)
        return self.response
