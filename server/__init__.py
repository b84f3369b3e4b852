"""Processes and wires; imports everything, imported by nothing."""
