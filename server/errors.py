"""Why a process can't start or go on: one sentence for whoever runs it."""


class CannotStart(Exception):
    """Something outside the program must change first; the message is one sentence and names it."""


CANNOT_START = 2
"""The exit code of a process that said why it can't start."""
