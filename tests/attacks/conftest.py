"""Hostile code and the course it attacks: graded by our tests, never collected as tests."""

collect_ignore = ["course", "starters", "prelude.py"]
