"""JSON SQL: parse a query and evaluate it over JSON values, one document at a time.

A dialect (`cosmos_dialect`) turns text into a tree; `expressions` turns the tree into Python closures; `select` puts
the clauses together. Absent (undefined) and null are different values everywhere. Whatever the compiler does not know
is refused by name: nothing in a query is ever ignored.
"""
