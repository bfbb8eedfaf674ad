"""Gives each test process a data folder, and a Redis database, of its own before Django reads its
settings.

Loaded by `-p` in pytest's options, because pytest-django looks at the settings before any conftest.
"""

import atexit
import os
import shutil
import sys
import tempfile

# Where a shell forbids to keep what was compiled, each of the hundreds of processes that a run
# starts compiles Django, Celery and all of ours again: half of all its work.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
sys.dont_write_bytecode = False

_FOLDER = tempfile.mkdtemp(prefix="mailhost-test-")
atexit.register(shutil.rmtree, _FOLDER, ignore_errors=True)

os.environ["MAILHOST_DATA"] = _FOLDER
os.environ["MAIL_HOSTNAME"] = "mail.example.test"
os.environ["LOG_LEVEL"] = "error"
# A door alone, as most tests have it, would wait for the verdict of a worker that does not run.
os.environ["SCAN_WAIT_SECONDS"] = "0"
os.environ.setdefault("SECRET_KEY", "only-for-tests-" + "x" * 40)

# `cache.clear()` after a test empties a whole Redis database: none is shared by two processes.
if os.environ.get("REDIS_URL"):
    _number = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
    os.environ["REDIS_URL"] = f"{os.environ['REDIS_URL'].rpartition('/')[0]}/{_number}"
