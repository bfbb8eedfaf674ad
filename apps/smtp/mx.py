"""The door for other servers (port 25): mail for our own users, from anybody, and nothing else."""

from apps.smtp.handler import DoorHandler


class MxHandler(DoorHandler):
    """Whoever comes is judged by what is known of it."""
