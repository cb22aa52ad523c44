"""Adapters to the tools that people already use, a file or a folder each.

Nothing here is imported before it is asked for by name, and what needs its tool says how to install
it where it is not there.
"""
