"""Folders that an installer filled, as ``pip install --target`` does."""
