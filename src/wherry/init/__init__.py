"""The first settings of a project: from an older tool's file, or by looking at it."""

from wherry.init.insert import insert
from wherry.init.proposal import Proposal, propose

__all__ = ["Proposal", "insert", "propose"]
