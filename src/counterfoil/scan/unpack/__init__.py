"""What is inside: one module a container, each a pure function from bytes to members."""
