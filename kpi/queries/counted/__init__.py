"""Statements whose rows are the figures of days: nothing goes into them but base rows."""
