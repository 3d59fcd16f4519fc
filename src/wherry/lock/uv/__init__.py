"""uv.lock: exported by uv, and compared with its projects."""
