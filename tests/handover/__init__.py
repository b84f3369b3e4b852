"""The handover domain."""
