"""Blocks for the configuration of other tools, with which they take a project's packages."""
