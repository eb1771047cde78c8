"""SQL over JSON: queries compiled to closures and evaluated over JSON values.

One dialect per package, each with a grammar and values of its own: `cosmos` is the query language of Azure Cosmos DB
for NoSQL, where absent (undefined) and null are different values, `asa` that of Azure Stream Analytics, where they are
the same. What means the same in both is here: patterns of LIKE, and instants. Whatever a compiler does not know is
refused by name: nothing in a query is ever ignored.
"""
