"""Django's SQLite backend with a turnstile before every write (see `turnstile`)."""
