"""The only writers of the rows of figures."""
