"""The steps of the schema, oldest first (`counterfoil.database.schema`)."""
