"""Compiled files: the machine, libraries and symbols that an ELF file needs, and stripping it."""
