"""Leaving out what a function never reads."""
