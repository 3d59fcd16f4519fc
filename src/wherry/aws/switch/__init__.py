"""Switching callers to a new version: tests before, shares of the calls step by step, and the way back."""
