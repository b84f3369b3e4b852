"""Figures while whoever counts them is killed: by the end each is as the base rows say."""
