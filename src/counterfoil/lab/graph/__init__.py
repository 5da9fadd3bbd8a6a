"""Microsoft Graph of the laboratory: a table of routes, and one module for each kind of object."""
