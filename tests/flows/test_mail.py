"""The main job with clients that nobody here wrote: smtplib, imaplib, curl and swaks."""

import imaplib
import re
import smtplib
import subprocess
from email.message import EmailMessage
from typing import Any
from uuid import uuid4

import pytest

from tests.support.installation import PASSWORD, UNCHECKED, Installation

pytestmark = pytest.mark.usefixtures("service")


def letter(to: str, sender: str = "carol@outside.invalid") -> tuple[str, EmailMessage]:
    """A message with a subject that no other one has."""
    mark = uuid4().hex
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = sender, to, f"Letter {mark}"
    message.set_content(f"Dear reader,\n\nthis is {mark}.\n.\nÜmläute too.\n")
    return mark, message


def wire(message: EmailMessage) -> bytes:
    """With the line ends that SMTP wants."""
    return message.as_bytes(policy=message.policy.clone(linesep="\r\n"))


def arrives(service: Installation, address: str, mark: str) -> bytes:
    """The message that holds `mark`, once it is in INBOX; there must be exactly one."""
    found: list[bytes] = []

    def look() -> bool:
        found[:] = [raw for raw in service.inbox(address) if mark.encode() in raw]
        return bool(found)

    service.wait_for(look, 60, f"{mark} did not arrive")
    assert len(found) == 1
    return found[0]


def run(*command: str, data: str = "") -> str:
    done = subprocess.run(
        command, input=data, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, (command, done.stdout, done.stderr)
    return done.stdout + done.stderr


def test_it_receives_and_serves_mail(service: Installation) -> None:
    mark, message = letter("alice@example.test")
    with service.smtp() as client:
        assert client.send_message(message) == {}
    raw = arrives(service, "alice@example.test", mark)
    assert raw.startswith(b"Return-Path: <carol@outside.invalid>\r\nDelivered-To: alice@")
    assert b"\r\nReceived: from " in raw
    assert raw.endswith(wire(message)[-40:])


def test_it_reads_over_starttls_with_imaplib(service: Installation) -> None:
    mark, message = letter("alice@example.test")
    with service.smtp() as client:
        client.send_message(message)
    arrives(service, "alice@example.test", mark)
    with imaplib.IMAP4("127.0.0.1", service.ports["IMAP"]) as reader:
        reader.starttls(UNCHECKED)
        reader.login("alice@example.test", PASSWORD)
        reader.select("INBOX")
        status, data = reader.search(None, "HEADER", "Subject", mark)
        assert (status, len(data[0].split())) == ("OK", 1)
        status, fetched = reader.fetch(data[0].split()[0].decode(), "(FLAGS ENVELOPE RFC822.SIZE)")
        assert status == "OK"
        assert mark in str(fetched)


def test_it_indexes_mail_soon_after_it_came(service: Installation) -> None:
    mark, message = letter("alice@example.test")
    with service.smtp() as client:
        client.send_message(message)
    arrives(service, "alice@example.test", mark)

    def is_indexed() -> bool:
        return " 0 messages behind" in service.manage("reindex", "--status")

    service.wait_for(is_indexed, 60, "nothing was indexed")
    with service.imap("alice@example.test") as client:
        client.select_folder("INBOX", readonly=True)
        assert len(client.search(["TEXT", mark[2:-2], "BODY", "umlaute TOO"])) == 1


@pytest.mark.parametrize("door", ["SUBMISSION", "SUBMISSIONS"])
def test_it_submits_with_tls_and_authentication(service: Installation, door: str) -> None:
    mark, message = letter("bob@example.test", "alice@example.test")
    message["Bcc"] = "eve@other.test"
    with service.smtp(door) as client:
        client.login("alice@example.test", PASSWORD)
        client.sendmail("alice@example.test", ["bob@example.test", "eve@other.test"], wire(message))
    for address in ("bob@example.test", "eve@other.test"):
        raw = arrives(service, address, mark)
        assert b"bcc:" not in raw.lower()
        assert b"Message-ID:" in raw
        assert b"Date:" in raw


def test_it_does_not_submit_as_somebody_else(service: Installation) -> None:
    _, message = letter("bob@example.test", "bob@example.test")
    with service.smtp("SUBMISSION") as client:
        client.login("alice@example.test", PASSWORD)
        with pytest.raises(smtplib.SMTPSenderRefused) as refused:
            client.send_message(message, "bob@example.test", ["bob@example.test"])
        assert (refused.value.smtp_code, refused.value.smtp_error[:5]) == (553, b"5.7.1")
        with pytest.raises(smtplib.SMTPDataError) as forged:
            client.send_message(message, "alice@example.test", ["bob@example.test"])
        assert (forged.value.smtp_code, forged.value.smtp_error[:5]) == (553, b"5.7.1")


def test_it_keeps_mail_in_the_queue_while_no_name_server_answers(service: Installation) -> None:
    _, message = letter("dave@outside.invalid", "alice@example.test")
    with service.smtp("SUBMISSION") as client:
        client.login("alice@example.test", PASSWORD)
        client.send_message(message)

    def put_off() -> list[dict[str, Any]]:
        return [row for row in service.queue() if row["recipients"][0]["attempts"]]

    service.wait_for(put_off, 60, "the message does not wait")
    (row,) = put_off()
    assert row["state"] == "routed"
    assert row["recipients"][0]["address"] == "dave@outside.invalid"
    assert "no name server answers" in row["recipients"][0]["reply"]
    service.manage("queue", "delete", row["id"])
    assert not any(one["id"] == row["id"] for one in service.queue())


def test_it_relays_for_no_stranger(service: Installation) -> None:
    with service.smtp() as client:
        client.ehlo()
        client.mail("carol@outside.invalid")
        code, words = client.rcpt("dave@elsewhere.invalid")
        assert (code, words[:5]) == (550, b"5.7.1")
        code, words = client.rcpt("nobody@example.test")
        assert (code, words[:5]) == (550, b"5.1.1")


def test_it_answers_lmtp_for_each_recipient(service: Installation) -> None:
    mark, message = letter("alice@example.test")
    with smtplib.LMTP("127.0.0.1", service.ports["LMTP"]) as client:
        client.ehlo("mx.outside.invalid")
        client.mail("carol@outside.invalid")
        codes = [
            client.rcpt(address)[0]
            for address in ("alice@example.test", "nobody@example.test", "bob@example.test")
        ]
        assert codes == [250, 550, 250]
        # smtplib's sendmail reads one reply for all; RFC 2033 s4.2 has one for each recipient.
        assert client.docmd("DATA")[0] == 354
        client.send(wire(message).replace(b"\r\n.", b"\r\n..") + b".\r\n")
        assert [client.getreply()[0] for _ in range(2)] == [250, 250]
    for address in ("alice@example.test", "bob@example.test"):
        arrives(service, address, mark)


def test_curl_sends_and_reads(service: Installation) -> None:
    mark, message = letter("alice@example.test")
    run(
        *("curl", "-sS", f"smtp://127.0.0.1:{service.ports['SMTP']}"),
        *("--mail-from", "carol@outside.invalid", "--mail-rcpt", "alice@example.test"),
        *("--crlf", "-T", "-"),  # curl sends a file's line ends as they are
        data=message.as_string(),
    )
    arrives(service, "alice@example.test", mark)
    base = f"imaps://127.0.0.1:{service.ports['IMAPS']}"
    sign_in = ("-k", "-sS", "-u", f"alice@example.test:{PASSWORD}")
    found = run("curl", *sign_in, f"{base}/INBOX?SUBJECT%20{mark}")
    number = re.search(r"SEARCH (\d+)", found)
    assert number is not None, found
    assert mark in run("curl", *sign_in, f"{base}/INBOX;MAILINDEX={number[1]}")


def test_swaks_submits(service: Installation) -> None:
    mark = uuid4().hex
    output = run(
        *("swaks", "--server", "127.0.0.1", "--port", str(service.ports["SUBMISSION"])),
        *("--tls", "--auth", "PLAIN", "--auth-user", "alice@example.test"),
        *("--auth-password", PASSWORD, "--from", "alice@example.test"),
        *("--to", "bob@example.test", "--header", f"Subject: {mark}", "--timeout", "20"),
    )
    assert PASSWORD not in output.replace(f"'{PASSWORD}'", "")
    assert mark.encode() in arrives(service, "bob@example.test", mark)


def test_the_log_holds_no_secret(service: Installation) -> None:
    with service.smtp("SUBMISSION") as client, pytest.raises(smtplib.SMTPAuthenticationError):
        client.login("alice@example.test", "an unusual wrong secret")
    log = service.log.read_text(errors="replace")
    assert "alice@example.test" in log
    for secret in (PASSWORD, "an unusual wrong secret", "Y29ycmVjdCBob3JzZSBiYXR0ZXJ5"):
        assert secret not in log
