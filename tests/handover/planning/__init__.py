"""Plans of handovers."""
