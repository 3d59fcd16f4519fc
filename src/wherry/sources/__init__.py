"""Sources: the project's own code, and dependencies that have no wheel, built on this machine."""
