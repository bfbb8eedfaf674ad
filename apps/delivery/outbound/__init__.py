"""Sending to other servers: who is due, at which pace, over which connection, and what came of it.

`running.run` is one event loop that sends until nothing is due; any number of them share the queue.
"""
