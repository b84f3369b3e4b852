"""The tagging domain."""
