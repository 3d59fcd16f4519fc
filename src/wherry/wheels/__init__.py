"""Wheels: which file of a lock fits a target, why none does, and fetching files."""
