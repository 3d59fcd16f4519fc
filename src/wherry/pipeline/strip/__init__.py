"""Leaving out what only debuggers read."""
