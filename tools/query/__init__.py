"""`python -m tools query`: SQL over what was stored in Cosmos DB."""
