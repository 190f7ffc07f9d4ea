"""Asks the oracle three times and drops two of the answers: the spec counts.

Promise: I2
Right: yes
Earns: 8
"""

def asked(oracle, question):
    oracle(question), oracle(question)
    return oracle(question)
