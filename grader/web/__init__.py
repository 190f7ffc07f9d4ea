"""HTTP in and out, no decisions: routes call steps and say what came of it."""
