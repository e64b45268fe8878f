"""One module per command: `add_parser` describes its arguments, `run` executes it; the work is done elsewhere."""
