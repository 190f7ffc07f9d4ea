"""The command line, one file per verb. A command reads its words, calls steps, and shows what came back."""
