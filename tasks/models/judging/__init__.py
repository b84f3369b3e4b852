"""Judge by rules whom to turn to on a day, and say why or why not. No I/O."""

from tasks.models.judging.judge import excluded, judge, judging
from tasks.models.judging.parts import Rule

__all__ = ["Rule", "excluded", "judge", "judging"]
