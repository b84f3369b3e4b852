"""Malls that call us, in GraphQL: connecting them, and mending what they sent. For headquarters."""

from schema.hooks.mutations import HookMutations
from schema.hooks.queries import HookQueries

__all__ = ["HookMutations", "HookQueries"]
