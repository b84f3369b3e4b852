"""Options that several commands have; kept apart from what commands do, so that `--help` needs nothing of that."""

from typing import Annotated

import typer

Brand = Annotated[str | None, typer.Option(help="The brand's code; may be left out while there is one brand.")]
