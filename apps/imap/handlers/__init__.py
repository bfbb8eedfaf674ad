"""One module for each thing IMAP can do: a command is a function under `@command`.

To add one: a module here, a dialogue in tests/imap/dialogues. Nothing else names it: the registry
loads every module of this package, and CAPABILITY is computed from what it finds.
"""
