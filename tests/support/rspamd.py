"""Debian's rspamd as an independent verifier: what do SPF, DKIM, DMARC and ARC say of a message?

A server of its own on a loopback port, with nothing but these four modules, asking a test's name
server. Its symbols are its verdicts: R_DKIM_ALLOW, R_SPF_ALLOW, DMARC_POLICY_ALLOW, ARC_ALLOW, …

With `seals` it is also the milter of a mail server that hands mail on, and seals what it found.
"""

import json
import os
import pwd
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from tests.support.senders import SELECTOR, Sender
from tests.support.services import LOOPBACK, folder_of, free_port, running

CONFIG = """\
lua = "$RULESDIR/rspamd.lua"
modules {{ path = "${{PLUGINSDIR}}"; }}
options {{
  pidfile = "{folder}/rspamd.pid";
  filters = "dkim,spf";
  dns {{ nameserver = ["{LOOPBACK}:{dns_port}:1"]; timeout = 2s; retransmits = 2; }}
  local_addrs = [];
  check_all_filters = true;
  hs_cache_dir = "{folder}";
  tempdir = "{folder}";
  url_tld = "{folder}/suffixes";
}}
logging {{ type = "file"; filename = "{folder}/rspamd.log"; level = "warning"; }}
worker "normal" {{ bind_socket = "{LOOPBACK}:{port}"; count = 1; }}
actions {{ reject = 15; add_header = 6; }}
dkim {{ check_local = true; check_authed = true; }}
spf {{ check_local = true; check_authed = true; }}
dmarc {{ check_local = true; }}
arc {{ check_local = true; sign_authenticated = false; {arc} }}
"""
NO_SEAL = "sign_inbound = false; sign_local = false;"
SEAL = """
  sign_local = true; use_domain = "recipient"; use_esld = false;
  allow_hdrfrom_mismatch = true; allow_username_mismatch = true;
  domain {{ "{domain}" {{ selector = "{selector}"; path = "{folder}/seal.pem"; }} }}
"""
MILTER = """
worker "rspamd_proxy" {{
  bind_socket = "{LOOPBACK}:{port}"; milter = yes; timeout = 10s; count = 1;
  upstream "local" {{ default = yes; self_scan = yes; }}
}}
"""
# Public suffixes of the tests' domains: reading the whole list costs eight seconds of CPU.
SUFFIXES = "test\nexample\ninvalid\ncom\nnet\norg\n"


@dataclass(frozen=True, slots=True)
class Rspamd:
    """A running verifier.

    Args:
        milter: port at which it is a milter, 0 if it is none.
    """

    port: int
    milter: int = 0

    @property
    def url(self) -> str:
        """As the setting RSPAMD_URL names it."""
        return f"http://{LOOPBACK}:{self.port}"

    def verify(self, message: bytes, *, sender: str, address: str, helo: str) -> dict[str, str]:
        """Its symbols for a message as a server received it, with their first option each.

        Args:
            sender: the reverse-path, "" for the null one.
            address: the client's IP address.
        """
        request = urllib.request.Request(
            f"{self.url}/checkv2",
            data=message,
            headers={"From": sender, "IP": address, "Helo": helo},
        )
        with urllib.request.urlopen(request, timeout=20) as answer:
            symbols = json.load(answer)["symbols"]
        return {name: (found.get("options") or [""])[0] for name, found in symbols.items()}


@contextmanager
def rspamd(dns_port: int, *, seals: Sender | None = None) -> Iterator[Rspamd]:
    """Run it for the time of the context.

    Args:
        seals: whose server it serves as a milter: it seals what comes in for that domain.
    """
    account = pwd.getpwnam("_rspamd") if os.geteuid() == 0 else None
    port, milter = free_port(), free_port() if seals else 0
    with folder_of("rspamd", account) as folder:
        (folder / "suffixes").write_text(SUFFIXES)
        words = {"folder": folder, "dns_port": dns_port, "LOOPBACK": LOOPBACK}
        arc = NO_SEAL
        if seals:
            (folder / "seal.pem").write_bytes(seals.secret)
            arc = SEAL.format(domain=seals.domain, selector=SELECTOR, folder=folder)
        text = CONFIG.format(**words, port=port, arc=arc)
        if seals:
            text += MILTER.format(port=milter, LOOPBACK=LOOPBACK)
        file = folder / "rspamd.conf"
        file.write_text(text)
        identity = ["--reuid=_rspamd", "--regid=_rspamd", "--clear-groups"] if account else []
        command = ["rspamd", "-f", "-i", "-c", str(file)]
        with running(command, folder / "log", ready=lambda: _answers(port), identity=identity):
            yield Rspamd(port, milter)


def _answers(port: int) -> bool:
    try:
        with urllib.request.urlopen(f"http://{LOOPBACK}:{port}/ping", timeout=2) as answer:
            return bool(answer.read().startswith(b"pong"))
    except OSError:
        return False
