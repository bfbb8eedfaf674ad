"""The shell of the project: settings, URL map, entry points. Holds no logic."""
