"""The table of settings: typed values, and one clear sentence for a wrong one."""

import base64
import os
import subprocess
import sys
from pathlib import Path

import pytest

from mailhost import env
from mailhost.env import Endpoint, SettingError

ROOT = Path(__file__).resolve().parent.parent


def test_it_has_a_usable_default_for_every_setting() -> None:
    values = env.read({})
    assert values.keys() == {setting.name for setting in env.SETTINGS}
    assert values["SMTP_LISTEN"] == Endpoint("127.0.0.1", 2525)
    assert values["MAILHOST_DATA"] == ROOT / "var"
    assert values["CLEARTEXT_AUTH"] == "never"
    assert values["DEBUG"] is False


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("SMTP_LISTEN", "", None),
        ("SMTP_LISTEN", ":25", Endpoint("0.0.0.0", 25)),
        ("SMTP_LISTEN", "[::1]:25", Endpoint("::1", 25)),
        ("SMTP_LISTEN", " 192.0.2.1:65535 ", Endpoint("192.0.2.1", 65535)),
        ("MESSAGE_SIZE_LIMIT", "65536", 65536),
        ("MESSAGE_SIZE_LIMIT", "50M", 50 * 1024 * 1024),
        ("MESSAGE_SIZE_LIMIT", "1g", 1024**3),
        ("MAIL_HOSTNAME", "Mail.Example.ORG.", "mail.example.org"),
        ("MAILHOST_DATA", "/srv/mail", Path("/srv/mail")),
        ("WEB_HOSTS", "a.example, b.example", ("a.example", "b.example")),
        ("CONNECTIONS_PER_ADDRESS", "1", 1),
        ("AUDIT_DAYS", "0", 0),
        ("AUDIT_DAYS", "30", 30),
        ("CLAMD", "", None),
        ("CLAMD", "/run/clamav/clamd.ctl", Path("/run/clamav/clamd.ctl")),
        ("CLAMD", "clamav:3310", Endpoint("clamav", 3310)),
        ("SPAMD", "[::1]:783", Endpoint("::1", 783)),
        ("RSPAMD_URL", "", ""),
        ("RSPAMD_URL", "http://rspamd:11333/", "http://rspamd:11333"),
        ("RSPAMD_URL", "https://[::1]/scan", "https://[::1]/scan"),
        ("DNS_CHECK_RESOLVERS", "", ()),
        (
            "DNS_CHECK_RESOLVERS",
            "192.0.2.1 [::1]:53",
            (Endpoint("192.0.2.1", 53), Endpoint("::1", 53)),
        ),
        ("ARC_TRUSTED_SEALERS", "Google.com., b\u00fccher.de", ("google.com", "xn--bcher-kva.de")),
    ],
)
def test_it_reads_a_value_as_its_type(name: str, value: str, expected: object) -> None:
    assert env.read({name: value})[name] == expected


def test_it_reads_networks() -> None:
    (proxy, range_) = env.read({"TRUSTED_PROXIES": "127.0.0.1, 10.0.0.0/8"})["TRUSTED_PROXIES"]
    assert str(proxy) == "127.0.0.1/32"
    assert str(range_) == "10.0.0.0/8"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("SMTP_LISTEN", "25"),
        ("ARC_TRUSTED_SEALERS", "google..com"),
        ("SMTP_LISTEN", "127.0.0.1:0"),
        ("SMTP_LISTEN", "127.0.0.1:65536"),
        ("SMTP_LISTEN", "127.0.0.1:smtp"),
        ("SMTP_LISTEN", "127.0.0.1:٢٥"),
        ("CLEARTEXT_AUTH", "always"),
        ("CLEARTEXT_AUTH", ""),
        ("SECOND_FACTOR", "nobody"),
        ("PASSWORD_LENGTH", "7"),
        ("PASSWORD_LENGTH", "65"),
        ("MESSAGE_SIZE_LIMIT", "50MB"),
        ("MESSAGE_SIZE_LIMIT", "-1"),
        ("MESSAGE_SIZE_LIMIT", ""),
        ("MESSAGE_SIZE_LIMIT", "1K"),
        ("CONNECTIONS_PER_ADDRESS", "0"),
        ("CONNECTIONS_PER_ADDRESS", "many"),
        ("SESSION_IDLE_HOURS", "0"),
        ("SESSION_HOURS", "721"),
        ("SESSION_DAYS", "30d"),
        ("ACT_AS_USER", "on"),
        ("REMOTE_IMAGES", "ask"),
        ("AUDIT_DAYS", "29"),
        ("AUDIT_DAYS", "-1"),
        ("AUDIT_DAYS", "for ever"),
        ("TRUSTED_PROXIES", "10.0.0.1/8"),
        ("TRUSTED_PROXIES", "proxy.example.org"),
        ("MAIL_HOSTNAME", "mail example"),
        ("MAIL_HOSTNAME", "mail..example.org"),
        ("MAIL_HOSTNAME", "mail.example.org\nX"),
        ("DATABASE_URL", "mysql://localhost/x"),
        ("REDIS_URL", "localhost:6379"),
        ("BLOB_URL", "/var/blobs"),
        ("DEBUG", "yes"),
        ("LOG_LEVEL", "loud"),
        ("WEB_TLS", "maybe"),
        ("CHANNEL_BINDING", "imap smtp web"),
        ("OAUTH_ISSUER", "id.example.org"),
        ("OAUTH_ISSUER", "http://id.example.org"),
        ("OAUTH_JWKS_URL", "https://"),
        ("OAUTH_JWKS_URL", "https://id.example.org/#keys"),
        ("OAUTH_INTROSPECTION_URL", "https://us:secret@id.example.org/"),
        ("OAUTH_INTROSPECTION_URL", "https://id.example.org:port/"),
        ("OAUTH_USER_CLAIM", "my address"),
        ("CLAMD", "clamav"),
        ("CLAMD", ":3310"),
        ("CLAMD", "run/clamd.ctl"),
        ("CLAMD", "a host:3310"),
        ("SPAMD", "127.0.0.1:spamd"),
        ("RSPAMD_URL", "127.0.0.1:11333"),
        ("RSPAMD_URL", "http://"),
        ("RSPAMD_URL", "http://host:port"),
        ("RSPAMD_URL", "http://host/?password=x"),
        ("RSPAMD_URL", "http://host\r\nX: y"),
        ("DNS_CHECK_RESOLVERS", "dns.example.org"),
        ("DNS_OUT_PORT", "0"),
    ],
)
def test_it_refuses_a_wrong_value_in_one_sentence(name: str, value: str) -> None:
    with pytest.raises(SettingError) as refusal:
        env.read({name: value})
    sentence = str(refusal.value)
    assert sentence.startswith(f"{name}={value!r} is not usable: it must be ")
    assert "\n" not in sentence
    assert sentence.endswith(".")


KEYS = {
    "OAUTH_ISSUER": "https://id.example.org",
    "OAUTH_JWKS_URL": "https://id.example.org/keys",
    "OAUTH_AUDIENCE": "https://mail.example.org",
}


@pytest.mark.parametrize(
    ("changed", "named"),
    [
        ({"OAUTH_INTROSPECTION_URL": "https://id.example.org/ask"}, "OAUTH_INTROSPECTION_URL"),
        ({"OAUTH_ISSUER": ""}, "OAUTH_ISSUER"),
        ({"OAUTH_AUDIENCE": ""}, "OAUTH_AUDIENCE"),
        ({"OAUTH_JWKS_URL": ""}, "OAUTH_ISSUER"),
    ],
)
def test_it_refuses_half_an_identity_provider(changed: dict[str, str], named: str) -> None:
    assert env.read(KEYS)["OAUTH_USER_CLAIM"] == "email"
    with pytest.raises(SettingError, match=f"^{named}=.* is not usable"):
        env.read({**KEYS, **changed})


def test_it_stops_the_start_without_a_traceback() -> None:
    done = subprocess.run(
        [sys.executable, "manage.py", "check"],
        cwd=ROOT,
        env={**os.environ, "SMTP_LISTEN": "nowhere"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert done.stderr == (
        "mailhost: SMTP_LISTEN='nowhere' is not usable: it must be host:port, such as 0.0.0.0:25, "
        "or empty to switch it off.\n"
    )


def test_it_reads_encryption_keys_and_never_shows_them() -> None:
    first, second = (base64.b64encode(bytes([number]) * 32).decode() for number in (1, 2))
    assert env.read({"ENCRYPTION_KEY": f"{first} {second}"})["ENCRYPTION_KEY"] == (first, second)
    for wrong in ("short", f"{first} {second[:-4]}", "!" * 44):
        with pytest.raises(SettingError) as failure:
            env.read({"ENCRYPTION_KEY": wrong})
        assert str(failure.value).startswith("ENCRYPTION_KEY is not usable: it must be 32 random")
        assert wrong not in str(failure.value)
