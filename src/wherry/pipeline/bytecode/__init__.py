"""Modules compiled before they are uploaded, so that a cold start does not compile them."""
