"""The money machine: every service that moves money, in any order, and what must hold after each.

`provider.py` is the other side with books of its own, `city.py` the rules' common ground,
`tills.py`, `desks.py`, `returns.py`, `discounts.py`, `gate.py` the rules, `invariants.py` what is
looked at after each of them, `month.py` a walk through all of them.
"""
