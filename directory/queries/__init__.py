<<<<<<< HEAD
"""What the directory can tell."""
=======
"""Reads of brands, regions, stores, staff and accounts."""
>>>>>>> main
