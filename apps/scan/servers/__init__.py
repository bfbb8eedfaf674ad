"""Other scanners beside our own: rspamd, SpamAssassin (spamd) and ClamAV (clamd), if they are set.

- `answers`: what they say, as it is kept. `weight`, `clamd.findings`: what it comes to. Pure.
- `clamd`, `spamd`, `rspamd`: their protocols; `asking`: a batch for one of them, within a deadline.
- `guard`: one that is away is not waited for again and again.
- `check`: all of them at once, as one check; what a delivered message says of those that failed.
"""
