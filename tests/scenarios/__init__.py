"""Promises that no single domain can keep alone."""
