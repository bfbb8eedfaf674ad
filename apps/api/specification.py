"""The schema, as it is served."""

from drf_spectacular.renderers import OpenApiJsonRenderer
from drf_spectacular.utils import extend_schema
from drf_spectacular.views import SpectacularAPIView


@extend_schema(exclude=True)
class Specification(SpectacularAPIView):
    """OpenAPI 3.1, to anybody: it is the same for all."""

    authentication_classes = ()
    permission_classes = ()
    renderer_classes = [OpenApiJsonRenderer]  # noqa: RUF012  (as DRF has it)
    versioning_class = None
