"""Pipfile.lock."""
