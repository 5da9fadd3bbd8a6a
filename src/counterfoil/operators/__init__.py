"""Who may use the console: accounts, their roles for one tenant or for all, and what a role permits.

Commands at the keyboard run as the system's user and are written down under that name; an account's own
deeds are written down as ``console:NAME``, so that the two are never taken for each other.
"""
