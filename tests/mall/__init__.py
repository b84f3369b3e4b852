"""The mall domain."""
