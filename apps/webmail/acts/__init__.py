"""What a person does to messages from the web, and how it is taken back."""
