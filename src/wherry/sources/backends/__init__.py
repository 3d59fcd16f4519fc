"""The build backends that Wherry knows, one module for each: what they read, and when they run unknown code."""
