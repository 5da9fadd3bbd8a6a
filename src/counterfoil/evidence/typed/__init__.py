"""The typed way from exports to rows: explicit columns and plain SQL, for files whose every row is spelled plainly.

What it accepts, it reads into the same rows as :mod:`counterfoil.evidence.readers`; what is spelled in any
other way it refuses, and the other readers, which know every oddity, take the whole file.
"""
