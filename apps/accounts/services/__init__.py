"""The write doors of this app, one module for each noun."""
