"""Requirements files, resolved for the target by uv."""
