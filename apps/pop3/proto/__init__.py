"""POP3 as a language (RFC 1939, RFC 2449): bytes to typed commands, messages to lines. Pure."""
