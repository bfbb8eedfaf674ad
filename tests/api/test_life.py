"""The documented script of a customer's life, run as somebody would who read the documentation."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Final

from tests.support.installation import ROOT, installation

SCRIPT: Final = ROOT / "docs" / "examples" / "life_of_a_customer.py"
DOORS: Final = ("SMTP", "WEB")
TOKEN: Final = """
from apps.directory.apitokens import SCOPES
from apps.directory.services import apitokens
from apps.provisioning import services
operator, _ = services.create_operator("root@elsewhere.test", "seven wombats dig")
print(apitokens.issue(user=operator, name="life", scopes=SCOPES)[1])
"""


def test_a_customer_lives_by_the_api_alone(tmp_path: Path) -> None:
    with installation(tmp_path, {"WEB_TLS": "off"}, doors=DOORS) as service:
        token = service.manage("shell", "-v0", "-c", TOKEN).strip()
        service.wait_for(service.is_judging, 120, "no worker came")
        done = subprocess.run(
            [sys.executable, SCRIPT, f"http://127.0.0.1:{service.ports['WEB']}", "customer.test"],
            env={**os.environ, "TOKEN": token},
            capture_output=True,
            text=True,
            timeout=150,
            check=False,
        )
        assert done.returncode == 0, (done.stderr, service.tail())

    told = done.stdout
    assert "customer.test. MX" in told or "IN MX" in told or "\tMX\t" in told
    assert "20 more in one request, 0 failed" in told
    assert "the letter is delivered" in told
    assert "Bob reads: Lunch: At noon?" in told
    assert told.rstrip().endswith("removed")
