"""Where the chain ends: documents in Cosmos DB, files in the Data Lake. Writing a batch again changes neither."""
