"""SQL over JSON: queries compiled to closures and evaluated over JSON values.

One dialect per package, each with a grammar of its own: `cosmos` is the query language of Azure Cosmos DB for NoSQL,
`asa` that of Azure Stream Analytics. Absent (undefined) and null are different values everywhere. Whatever a compiler
does not know is refused by name: nothing in a query is ever ignored.
"""
