"""Letters: what a person types, and the message that it becomes."""
