"""A program's side of the public API: who one is to which grader, lasting requests, streams of events."""
