"""pdm.lock, of the versions 4.0 and later."""
