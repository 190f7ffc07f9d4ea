"""What the course's specs import: the contract with an implementation, checks that explain themselves, hints, plots.

It needs numpy and pytest, nothing else, and runs the same in a student's checkout and on the grading service.

    for specs   manifest   lab.toml as a spec sees it
                expect     checks that record a measurement and explain a failure
                answers    one answer, held against the right one
                laws       what to ask a random sampler, and the sequential test of its answers
                plugin     the pytest side of all this
    running     contract   the implementation behind a proxy
                plain      what may cross to and from it
                returns    the return types a lab declares
                streams    random streams handed to students
                faults     what a submission can do wrong
    predicting  sealing    predictions handed in before a measurement: sealed, revised once, closed
                quantities what can be predicted, and what a prediction earns
                tables     a stranger's TOML file, read within bounds
    random      samplers   draws until a test decides, and tells what came of it
    answers     mixture    the evidence against a law, draw by draw
                evenness   the evidence that answers were dealt out, not drawn
                shifts     rules out every share that is off by a stated amount
                means      the sequential test of a mean
                findings   what a test found, in numbers and sentences
    telling     checks     what one check leaves in the report
                bars       the picture of a law check: shares
                trace      the picture of a law check: how they approach the law
                explain    the one text every failure is told in (with measured, drawing and wording)
                mutation   known mistakes, and which one an answer matches
                hints      three levels of help, on demand
                points     the table at the end of a run at home
                exact_odds what a check with a fixed tolerance is worth
"""
