"""poetry.lock, of every version."""
