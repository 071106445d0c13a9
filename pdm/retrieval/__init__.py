"""RDM's memory of embeddings, and the indexes that search it."""
