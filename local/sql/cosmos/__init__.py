"""The query language of Azure Cosmos DB for NoSQL.

`grammar` turns text into a `tree`; `expressions` turns trees into closures from a row to a value; `block` puts the
clauses of one SELECT together, a subquery's as well as the query's own; `select` is what a service runs. A row is the
document itself where a query has no other source, else a tuple with one value per source.
"""
