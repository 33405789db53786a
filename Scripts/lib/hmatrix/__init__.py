"""The hypervisor extension's trap and translation matrices: rows and what the specification expects of them.

See TestAndBench.md for how to run them; the program that runs the rows is Images/hypervisor.
"""
