"""Files, mappings, and what imports have taken from which source."""
