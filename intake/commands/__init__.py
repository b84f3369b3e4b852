"""What an import does, step by step; the only writer of its tables."""
