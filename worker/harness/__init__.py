"""The only code of ours that runs beside a spec or a submission. It travels into the sandbox with the job.

judge      the trusted process: pytest on the lab's spec, LAB_IMPL=guest
warm       a judge that is there before its jobs: `ahead` reads the spec, `desk` has a child for each job, `streams` let
           several processes share its tests
guest      the untrusted process: started ahead, it becomes a `zygote` that forks one `child` per test, and that imports
           the submission and answers calls
wire       the values on the channel between them, and their limits
frames     their transport: lengths and deadlines
link       the judge's end of the channel
live       pytest plugin: one event per test as it ends
joined     one process for both, for suites that cannot be split
rehearsal  the course's own answers over many seeds, before a lab opens
"""
