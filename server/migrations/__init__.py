"""The database's history, step by step, the same on both engines."""
