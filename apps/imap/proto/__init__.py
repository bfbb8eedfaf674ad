"""IMAP as a language: bytes to typed commands, values to response lines. Pure, no I/O."""
