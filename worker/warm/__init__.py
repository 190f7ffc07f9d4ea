"""Judges and guests that are there before a submission is. A broken or empty pool costs time, never a verdict:
whoever finds nothing here starts what it needs itself."""
