"""What is accepted, what it is worth and what the student reads: pure functions over frozen data, no I/O, no clock."""
