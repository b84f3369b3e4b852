"""Handovers while everything is shaken: who holds whom, told as a history that outsiders can check."""
