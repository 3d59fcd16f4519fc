"""The first settings of a project: from the file of an older tool, or from its own files."""
