"""What the course's specs import: the contract with an implementation, checks that explain themselves, hints, plots.

It needs numpy and pytest, nothing else, and runs the same in a student's checkout and on the grading service.

    manifest   lab.toml as a spec sees it           expect     checks that record a measurement and explain a failure
    contract   the implementation behind a proxy    laws       sequential tests of random samplers, with an error budget
    plain      what may cross to and from it        explain    the one text every failure is told in
    returns    the return types a lab declares      mutation   known mistakes, and which one an answer matches
    faults     what a submission can do wrong       hints      three levels of help, on demand
    streams    random streams handed to students    plugin     the pytest side of all this
    bars       the picture of a law check
"""
