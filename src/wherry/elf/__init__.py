"""Compiled files: what an ELF file says about the machine, the libraries and the symbols that it wants."""
