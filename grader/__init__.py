"""Grades course labs: a student hands in files, and reads what each test says about them.

Adapters read the submission and the lab's folder; nothing but the files the lab names leaves intake. A worker runs
the lab's spec against the submission in a sandbox and sends back a report, never a verdict of its own. The domain
reads that report, which nobody here trusts, and turns it into one verdict per test. Points follow from verdicts by a
pure function, so a score can be computed again without running anything. What the student reads first is chosen last.
"""
