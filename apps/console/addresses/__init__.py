"""What the console shows of aliases, groups and shared mailboxes, and of where mail would go."""
