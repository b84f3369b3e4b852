"""To-do and revisit tasks that people carry out."""
