"""Pruning: finding old versions of functions and layers that nothing uses, and removing them."""
