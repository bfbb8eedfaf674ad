"""Dovecot's configuration for the races: as Debian ships it, and as its manual makes it fast.

Both have only names, folders, ports, a certificate and static users of ours; `{…}` is filled in by
bench.peer. FAST is put behind AS_SHIPPED.
"""

from typing import Final

AS_SHIPPED: Final = """\
protocols = imap pop3 lmtp
base_dir = {home}/dovecot-run
state_dir = {home}/dovecot-state
listen = 127.0.0.1
mail_location = maildir:~/Maildir
ssl = yes
ssl_cert = <{home}/dovecot/cert.pem
ssl_key = <{home}/dovecot/key.pem
ssl_dh = </usr/share/dovecot/dh.pem
namespace inbox {{
  inbox = yes
}}
passdb {{
  driver = static
  args = password={password}
}}
userdb {{
  driver = static
  args = uid=65534 gid=65534 home={home}/mail/%u
}}
service imap-login {{
  inet_listener imap {{
    port = {imap}
  }}
  inet_listener imaps {{
    port = {imaps}
  }}
}}
service pop3-login {{
  inet_listener pop3 {{
    port = {pop3}
  }}
  inet_listener pop3s {{
    port = {pop3s}
  }}
}}
service lmtp {{
  unix_listener {home}/queue/private/dovecot-lmtp {{
    mode = 0600
    user = postfix
    group = postfix
  }}
}}
"""

FAST: Final = """\
# The manual's "high-performance mode" (Login processes): they stay and serve many clients.
service imap-login {{
  service_count = 0
  process_min_avail = {cores}
  process_limit = {cores}
  client_limit = 6000
  vsz_limit = 2G
}}
service pop3-login {{
  service_count = 0
  process_min_avail = {cores}
  process_limit = {cores}
  client_limit = 6000
  vsz_limit = 2G
}}
# Processes that are kept for the next client of any user, and room for many of them.
service imap {{
  service_count = 256
  process_min_avail = 16
  process_limit = 6000
  idle_kill = 3s
  unix_listener imap-master {{
    user = $default_internal_user
  }}
  extra_groups = $default_internal_group
}}
# Who idles is given to one process that serves all who idle.
imap_hibernate_timeout = 1s
service imap-hibernate {{
  client_limit = 6000
  unix_listener imap-hibernate {{
    mode = 0666
  }}
}}
service anvil {{
  client_limit = 20000
}}
service auth {{
  client_limit = 20000
}}
service stats {{
  client_limit = 20000
}}
default_client_limit = 10000
mail_max_userip_connections = 0
"""
