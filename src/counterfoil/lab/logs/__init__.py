"""The rows that use leaves behind, in the shapes of Microsoft's logs, and the exports customers have."""
