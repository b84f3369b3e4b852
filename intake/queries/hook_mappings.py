"""Find the mapping of a mall by name or path, and say where it is wrong."""

from pathlib import Path

from intake.models.hook_mapping import HookMapping


def shipped() -> dict[str, Path]:
    """The mappings of malls that come with the product, by name."""
    raise NotImplementedError


def load(name: str) -> HookMapping:
    """The mapping of that name. Raises `MAPPING_UNKNOWN`, and `MAPPING_INVALID` with the place that is wrong."""
    raise NotImplementedError
