"""pylock.toml, PEP 751's own format."""
