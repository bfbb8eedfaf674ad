"""ASGI entry point (uvicorn)."""

import os

from django.core.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "mailhost.settings")
_django = get_asgi_application()

from apps.webmail.live.door import beside  # noqa: E402 - its models need Django set up

application = beside(_django)
