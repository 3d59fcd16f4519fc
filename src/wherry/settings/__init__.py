"""Wherry's settings: what ``[tool.wherry]`` may hold (``model``), read and checked as a whole (``read``)."""
