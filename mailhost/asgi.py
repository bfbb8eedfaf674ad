"""ASGI entry point (uvicorn)."""

import os

from django.core.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "mailhost.settings")
_django = get_asgi_application()

from apps.api.webhooks import stream  # noqa: E402 - its models need Django set up
from apps.webmail.live import door  # noqa: E402 - the same

application = stream.beside(door.beside(_django))
