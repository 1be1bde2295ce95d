"""WHAT HAPPENS NEXT: the state machine of an uncommittable world, sans-io.

Events (past tense) go in, commands (imperative) come out, and are performed strictly in order.
"""
