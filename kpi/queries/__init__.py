"""Figures, each a pure function of base rows."""
