"""The line as plain functions over ports."""
