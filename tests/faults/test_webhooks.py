"""kill -9 of who posts events: each arrives at a receiver, signed, and none is lost."""

import os
import signal
from pathlib import Path

import pytest

from tests.support.dns_server import DnsServer
from tests.support.installation import installation
from tests.support.policy_host import Answer, PolicyHost
from tests.support.test_ca import Authority
from tests.webhooks.conftest import HOST, verified

MANY = 12
PASSWORD = "correct-horse-battery"
HOOK = """
import sys
from apps.webhooks.services import endpoints
print(endpoints.add(place=None, url=sys.stdin.read().strip(), types=["user.created"])[1])
"""
PEOPLE = """
import sys
from apps.provisioning import services
password, first, last = sys.stdin.read().split()
if first == "0":
    services.add_domain("example.test")
for number in range(int(first), int(last)):
    services.add_user(f"user{number}@example.test", password)
"""


@pytest.mark.timeout(300)
def test_a_receiver_gets_every_event_though_the_worker_is_killed(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    with DnsServer() as dns, PolicyHost(authority.server(HOST).context) as receiver:
        dns.add(HOST, "A", "127.0.0.1")
        settings = {
            "DNS_SERVERS": str(dns),
            "EXTRA_CA": str(authority.file),
            "WEBHOOK_NETWORKS": "127.0.0.0/8",
        }
        with installation(tmp_path, settings) as service:
            url = f"https://{HOST}:{receiver.port}/mail"
            secret = service.manage("shell", "-c", HOOK, text=url).strip().splitlines()[-1]
            receiver.answer = Answer(is_silent=True)  # who is killed waits for an answer
            service.manage("shell", "-c", PEOPLE, text=f"{PASSWORD} 0 {MANY // 2}")
            service.wait_for(lambda: bool(receiver.requests), 60, "nothing is posted")
            os.kill(service.children()["housekeeping"], signal.SIGKILL)
            receiver.answer = Answer(status=204)
            service.manage("shell", "-c", PEOPLE, text=f"{PASSWORD} {MANY // 2} {MANY}")

            def taken() -> set[str]:
                said = [verified(secret, one) for one in list(receiver.requests)]
                return {one["data"]["name"] for one in said}

            everybody = {f"user{number}@example.test" for number in range(MANY)}
            # The lease of the worker that was killed lapses first.
            service.wait_for(lambda: taken() == everybody, 200, "an event is lost")
            ids = {one.headers["webhook-id"] for one in receiver.requests}
            assert len(ids) == MANY  # what is sent twice is known by its id
