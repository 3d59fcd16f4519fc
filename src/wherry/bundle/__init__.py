"""Bundles: the files of a deployment package, described and not yet written."""
