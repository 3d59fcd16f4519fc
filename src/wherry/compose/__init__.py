"""Composing functions and layers, unwritten, from distributions and the project's own code.

Pure: everything was fetched, built and read before. ``recipe`` decides which packages to make, ``composer``
makes them, and ``model`` holds what goes in and comes out.
"""
