"""Projects without a lock: what they declare is resolved now."""
