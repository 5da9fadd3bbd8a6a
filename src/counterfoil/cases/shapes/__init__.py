"""The shapes that customers' exports have, one module a log; rows in, JSON-able records or CSV out."""
