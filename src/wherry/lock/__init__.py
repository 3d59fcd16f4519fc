"""Locks: every format that a Python project may have, read as PEP 751's ``Pylock``.

``formats`` is the table of formats, ``find`` chooses the file, ``read`` reads it, ``write`` writes ``pylock.toml``.
"""
