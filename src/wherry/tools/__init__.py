"""Running uv and git, with limits."""
