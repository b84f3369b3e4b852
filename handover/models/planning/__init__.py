"""Reckon who takes over whom, without I/O: `docs/handover-plan.md` says by what rules."""
