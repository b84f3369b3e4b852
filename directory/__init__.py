"""Brands, regions, stores and staff: who works where, and who has left."""
