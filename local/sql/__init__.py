"""SQL over JSON: queries compiled to closures and evaluated over JSON values.

One engine, and a dialect in each package: `cosmos` is the query language of Azure Cosmos DB for NoSQL, where absent
(undefined) and null are different values, `asa` that of Azure Stream Analytics, where they are the same. The engine
reads words (`tokens`, on sqlglot's tokenizer) and operators (`precedence`), has the nodes of expressions (`tree`) and
makes closures of them (`compiler`); patterns of LIKE and instants are here, too. A dialect says its lexical rules, its
levels of precedence, what is unknown, how values compare, and adds its clauses and functions. Whatever a dialect does
not know is refused by name: nothing in a query is ever ignored.
"""
