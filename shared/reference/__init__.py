"""Reference data that ships with the function app, and the lookups that enrichment makes in it.

Standard library only. Nothing is read at import: the first lookup loads what it needs, once per process.
"""
