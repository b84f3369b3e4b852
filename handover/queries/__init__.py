"""Reads of the handover domain."""
