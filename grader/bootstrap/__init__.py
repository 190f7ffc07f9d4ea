"""The one place that turns settings into real adapters, and the only one in `grader` that knows the worker.

A module for each thing that a command needs: nobody waits for libraries that only another one uses.
"""
