"""Starting, stopping and surviving: `manage.py serve` as an administrator meets it."""

import os
import signal
import smtplib
import socket
import ssl
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing
from email.message import EmailMessage
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import HTTPRedirectHandler, HTTPSHandler, Request, build_opener

import pytest
import trustme

from tests.support.installation import (
    ROOT,
    UNCHECKED,
    Installation,
    _descendants,
    _listens,
    installation,
)
from tests.support.processes import is_alive
from tests.support.services import free_port


@pytest.fixture
def fresh(tmp_path: Path) -> Iterator[Installation]:
    """An installation that has never been started."""
    with installation(tmp_path, start=False) as made:
        made.environment.pop("SECRET_KEY", None)  # it makes its own, as on a real machine
        yield made


def _serve(service: Installation, *arguments: str, **more: str) -> subprocess.CompletedProcess[str]:
    """Run `serve` where it is expected to end by itself."""
    return subprocess.run(
        [sys.executable, "manage.py", "serve", *arguments],
        cwd=ROOT,
        env={**service.environment, **more},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_it_leaves_nothing_behind_when_the_supervisor_is_killed(fresh: Installation) -> None:
    fresh.start()
    assert fresh.process is not None
    pid = fresh.process.pid
    # Five roles, and the worker's own: two workers and the beat.
    fresh.wait_for(lambda: len(_descendants(pid)) >= 8, 60, "the worker is not up")
    children = _descendants(pid)
    fresh.process.kill()
    fresh.process.wait(10)
    fresh.wait_for(lambda: not any(is_alive(pid) for pid in children), 30, "children live on")
    assert not any(_listens(port) for port in fresh.ports.values())
    fresh.start()  # ports and locks are free


@pytest.mark.long  # the supervisor alone does so in tests/ops/test_supervisor.py
def test_it_starts_again_what_dies(fresh: Installation) -> None:
    fresh.start()
    for name in ("listeners", "web", "worker", "heavy", "outbound", "housekeeping"):
        pid = fresh.children()[name]
        os.kill(pid, signal.SIGKILL)
        fresh.wait_for(
            lambda name=name, pid=pid: fresh.children().get(name, pid) != pid,  # type: ignore[misc]
            30,
            f"{name} is not started again",
        )
    # Its callers have waited in the kernel's line meanwhile, and are served.
    with fresh.smtp() as client:
        assert client.noop()[0] == 250
    fresh.wait_for(lambda: _get(fresh, "/readyz")[0] == 200, 30, "not ready again")


def test_it_ends_a_session_politely(fresh: Installation) -> None:
    fresh.start()
    fresh.add_people("alice@example.test")
    message = EmailMessage()
    message["Subject"] = "in time"
    message.set_content("x\n" * 1000)
    with ExitStack() as stack:
        idle = stack.enter_context(fresh.smtp())
        busy = stack.enter_context(fresh.smtp())
        web = stack.enter_context(socket.create_connection(("127.0.0.1", fresh.ports["WEB"])))
        busy.ehlo()
        busy.mail("a@outside.invalid")
        busy.rcpt("alice@example.test")
        busy.docmd("DATA")
        assert fresh.process is not None
        fresh.process.send_signal(signal.SIGTERM)
        idle.timeout = 10
        assert idle.getreply()[0] == 421
        busy.send(b"Subject: in time\r\n\r\nfinished\r\n.\r\n")
        reply = busy.getreply()[0]
        started = time.monotonic()
        assert fresh.process.wait(30) == 0
        assert time.monotonic() - started < 30
        web.close()
        for client in (idle, busy):
            client.close()
    fresh.start()
    assert reply in {250, 421}
    if reply == 250:  # acknowledged means kept
        fresh.wait_for(lambda: _holds(fresh, b"finished"), 30, "an acknowledged message is lost")


def _holds(service: Installation, text: bytes) -> bool:
    return any(text in raw for raw in service.inbox("alice@example.test"))


def test_it_runs_once_on_one_folder(fresh: Installation) -> None:
    fresh.start()
    other = {f"{door}_LISTEN": f"127.0.0.1:{free_port()}" for door in fresh.ports}
    done = _serve(fresh, **other)
    assert done.returncode == 1
    assert len(done.stderr.strip().splitlines()) == 1
    assert "already runs on" in done.stderr
    assert "Traceback" not in done.stderr
    with fresh.smtp() as client:
        assert client.noop()[0] == 250


def test_it_names_the_setting_of_a_busy_port(fresh: Installation) -> None:
    with socket.create_server(("127.0.0.1", fresh.ports["IMAPS"])):
        done = _serve(fresh)
    assert done.returncode == 1
    assert len(done.stderr.strip().splitlines()) == 1
    assert f"IMAPS_LISTEN=127.0.0.1:{fresh.ports['IMAPS']}" in done.stderr


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("SMTP_LISTEN", "everywhere"),
        ("TLS_CERT", "/nonexistent/cert.pem"),
        ("CONNECTIONS_TOTAL", "many"),
        ("WEB_TLS", "perhaps"),
        ("MAIL_HOSTNAME", "not a name"),
    ],
)
def test_it_stops_at_a_wrong_setting_with_one_sentence(
    fresh: Installation, setting: str, value: str
) -> None:
    done = _serve(fresh, **{setting: value})
    assert done.returncode in {1, 2}
    sentences = [line for line in done.stderr.splitlines() if not line.startswith("{")]
    assert len(sentences) == 1
    assert value in sentences[0]
    assert "Traceback" not in done.stderr


def test_it_refuses_a_door_that_there_is_not(fresh: Installation) -> None:
    done = _serve(fresh, "--only", "listeners", "--doors", "smtp,gopher")
    assert done.returncode == 1
    assert "There is no door gopher" in done.stderr


def _keep_ports(service: Installation, *doors: str) -> None:
    """`start` waits for all ports that it knows."""
    service.ports = {door: service.ports[door] for door in doors}


def test_it_runs_single_roles(fresh: Installation) -> None:
    everything = dict(fresh.ports)
    _keep_ports(fresh, "SMTP")
    fresh.start("--only", "listeners", "--doors", "smtp")
    assert fresh.children().keys() == {"listeners"}
    assert not _listens(everything["IMAP"])
    assert not _listens(everything["WEB"])
    assert fresh.stop() == 0


def test_it_serves_what_descriptors_allow(fresh: Installation) -> None:
    """`ulimit -n 256` and 400 callers: they wait or hear 421, nothing spins, and it recovers."""
    _keep_ports(fresh, "SMTP", "IMAP")
    fresh.environment["CONNECTIONS_PER_ADDRESS"] = "1000"
    command = [sys.executable, "manage.py", "serve", "--only", "listeners", "--doors", "smtp,imap"]
    with fresh.log.open("wb") as log:
        fresh.process = subprocess.Popen(
            ["prlimit", "--nofile=256:256", *command],
            cwd=ROOT,
            env=fresh.environment,
            stdout=log,
            stderr=log,
        )
    fresh.wait_for(fresh.is_ready, 60, "not ready")
    pid = fresh.children()["listeners"]
    with ExitStack() as stack:
        for _ in range(400):
            client = stack.enter_context(closing(socket.socket()))
            client.setblocking(False)
            client.connect_ex(("127.0.0.1", fresh.ports["SMTP"]))
        before = _cpu_seconds(pid)
        signal.sigtimedwait([], 1.5)
        assert _cpu_seconds(pid) - before < 0.75
        assert is_alive(pid)
    fresh.wait_for(lambda: _noop(fresh), 30, "it does not recover")
    assert fresh.children()["listeners"] == pid


def _noop(service: Installation) -> bool:
    try:
        with service.smtp() as client:
            return client.noop()[0] == 250
    except (OSError, smtplib.SMTPException):
        return False


def _cpu_seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


class _Stay(HTTPRedirectHandler):
    def redirect_request(self, *args: object, **kwargs: object) -> None:
        return None


def _get(
    service: Installation, path: str, scheme: str = "https", host: str = "localhost"
) -> tuple[int, dict[str, str], bytes]:
    opener = build_opener(HTTPSHandler(context=UNCHECKED), _Stay())
    request = Request(f"{scheme}://127.0.0.1:{service.ports['WEB']}{path}", headers={"Host": host})
    try:
        with opener.open(request, timeout=10) as answer:
            return answer.status, dict(answer.headers), answer.read()
    except HTTPError as answer:
        return answer.code, dict(answer.headers), answer.read()


def test_it_tells_strangers_nothing(fresh: Installation) -> None:
    """No debug pages, no versions, no names of parts: the secret key is made and private."""
    fresh.start()
    data = Path(fresh.environment["MAILHOST_DATA"])
    key = data / "secret_key"
    assert key.stat().st_mode & 0o777 == 0o600
    secret = key.read_text().strip()
    assert len(secret) >= 50
    assert secret not in fresh.log.read_text()
    assert _get(fresh, "/healthz")[::2] == (200, b"ok\n")
    assert _get(fresh, "/healthz", scheme="http")[::2] == (200, b"ok\n")
    status, _, body = _get(fresh, "/readyz")
    assert (status, body) == (200, b"ok\n")
    status, headers, body = _get(fresh, "/no/such/page")
    assert status == 404
    for word in (b"DEBUG", b"Traceback", b"urlpatterns", b"Django", b"uvicorn", b"webmail.views"):
        assert word not in body
    assert "server" not in {name.lower() for name in headers}
    status, _, body = _get(fresh, "/login/", host="evil.example")
    assert status == 400
    assert b"evil.example" not in body


def test_it_reloads_its_certificate_on_the_way(fresh: Installation, tmp_path: Path) -> None:
    folder = tmp_path / "certificates"
    folder.mkdir()
    target = folder / "mail.example.test.pem"

    def shown() -> bytes:
        raw = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        raw.check_hostname, raw.verify_mode = False, ssl.CERT_NONE
        with (
            socket.create_connection(("127.0.0.1", fresh.ports["IMAPS"]), timeout=10) as plain,
            raw.wrap_socket(plain) as client,
        ):
            found = client.getpeercert(binary_form=True)
        assert found is not None
        return found

    def issue() -> None:
        issued = trustme.CA().issue_cert("mail.example.test")
        fresh_file = folder / ".new"
        fresh_file.write_bytes(issued.private_key_and_cert_chain_pem.bytes())
        fresh_file.replace(target)

    issue()
    fresh.environment["TLS_CERT"] = str(folder)
    _keep_ports(fresh, "SMTP", "IMAP", "IMAPS")
    fresh.start("--only", "listeners", "--doors", "smtp,imap,imaps")
    first = shown()
    with fresh.smtp() as open_before:
        issue()
        fresh.wait_for(lambda: shown() != first, 60, "the new certificate is not shown")
        assert open_before.noop()[0] == 250
