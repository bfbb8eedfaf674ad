"""Measures this mail service beside Debian's Postfix + Dovecot: same machine, same run, same load.

`python -m bench --help` lists what can be measured; `bench/README.md` says what each number
means. Nothing here is a test and nothing here is imported by the service.
"""
