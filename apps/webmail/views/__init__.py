"""The pages: sign-in, mail, settings."""
