"""Why a process can't start or go on: one sentence for whoever runs it."""


class CannotStart(Exception):
    """Something outside the program must change first; the message is one sentence and names it."""
