"""Writes docs/openapi.json, the contract of the interface for programs: `make openapi`."""

import os
import sys

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "mailhost.settings")
if __name__ == "__main__":
    django.setup()

from apps.api.specification import written

if __name__ == "__main__":
    sys.stdout.write(written())
