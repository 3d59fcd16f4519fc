"""Composing: distributions and the project's own code become functions and layers, not yet written.

Pure: whatever had to be fetched, built or read from a source tree was so before. ``recipe`` says which
packages there are to make and of what, ``composer`` makes them, ``model`` is what goes in and comes out.
"""
