"""Rolling back functions: finding the version before, and going back to it."""
