"""Package indexes: addresses, logins, the HTTP session and the Simple API.

Secrets are held in memory and in the environment of the programs that need them; never in a file, an argument or
a message. No login is looked for before an index is asked.
"""
