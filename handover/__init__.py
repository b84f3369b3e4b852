"""Handovers (交接): everything that somebody holds goes to others of the store, planned, provable and undoable."""
