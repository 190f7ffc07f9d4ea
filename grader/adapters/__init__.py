"""One module per outside thing, each satisfies one port."""
