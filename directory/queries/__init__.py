"""What the directory can tell."""
