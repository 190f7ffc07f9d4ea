"""Runs strangers' code and reports what happened. It has no database, no scoring rule and no forge token."""
