"""Reads of brands, regions, stores, staff and accounts."""
