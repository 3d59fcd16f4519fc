"""Bundles: what a deployment package will hold, described and not yet written."""

from wherry.bundle.algebra import Bundle
from wherry.bundle.entry import Entry, Inline, Payload, Slice, SourceFile

__all__ = ["Bundle", "Entry", "Inline", "Payload", "Slice", "SourceFile"]
