"""The web face: the same questions and deeds as the command line, in a browser, for accounts with roles.

Start at ``places.py``: every page and every deed in one table, with the permission that it needs. Then
``views.py`` (what a page asks for), ``pages/`` (what it shows; pure) and ``application.py`` (the web around it).

Law 11: the tenants that an account may see are a ``Scope``; it goes into the WHERE clause of every query, and
nothing is filtered afterwards.
"""
