"""What we measure against, each started as its makers ship it, on loopback, in a folder of its own."""
