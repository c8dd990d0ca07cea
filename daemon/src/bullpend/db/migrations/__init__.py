"""Forward-only migrations, `NNNN_name.sql`, applied in order; the number is the schema version."""
