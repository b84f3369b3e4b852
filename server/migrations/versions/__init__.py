"""One file a step, numbered; each says how to go forward and back."""
