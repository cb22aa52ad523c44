"""Adapters to the tools that people already use, one tool a file.

Nothing here is imported before it is asked for by name, and a file that needs its tool says how to
install it where it is not there.
"""
