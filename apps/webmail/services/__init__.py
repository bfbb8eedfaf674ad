"""What changes rows of the webmail's own, one noun a module."""
