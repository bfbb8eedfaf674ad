"""Who a message is from: signatures made and checked, and reverse-paths rewritten.

- `message`: a message as signers see it; `canonical`: its forms that survive transport.
- `tags`: the lists `a=b; c=d`; `keys`: private keys, public ones and their DNS records.
- `signature`: one signature's tags, and whether it holds (DKIM and ARC alike).
- `dkim`: DKIM-Signature fields made. `arc`: chains read, judged and continued.
- `srs`: reverse-paths of forwarded mail.

Pure of Django, clock and network: times and DNS records are given by the caller.
"""
