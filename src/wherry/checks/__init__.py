"""Checks of composed packages, before anything is written."""
