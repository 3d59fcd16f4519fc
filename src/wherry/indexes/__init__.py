"""Package indexes: which there are, and what opens those that want a user and a password.

Secrets live in memory and in the environment of the programs that need them; never in a file, an argument or
a message. Nothing here is asked before an index is.
"""
