"""Nothing to set here: pytest.ini loads `labkit.plugin`, which brings `impl`, `rng`, `expect` and the score table."""
