"""A harbour's guest book."""
