"""Makes keys until it is killed, and says each that it was told of: ``python creating.py URI HOME START``."""

import sys
from pathlib import Path

from counterfoil.credential.providers.choose import open_provider
from counterfoil.credential.providers.wrapping import find_wrapping

uri, home, start = sys.argv[1], Path(sys.argv[2]), int(sys.argv[3])
provider = open_provider(uri, home, find_wrapping(home))
for number in range(start, start + 1000):
    sys.stdout.write(f"{provider.create(f'key-{number}')}\n")
    sys.stdout.flush()
