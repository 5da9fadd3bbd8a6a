"""The ATT&CK ids that findings name are those of the pinned version."""

import json
import re

from counterfoil.scan import attack


def test_every_id_has_the_name_that_attack_gives_it(corpora):
    """Ids, names and the version agree with MITRE's own data; none is revoked or deprecated."""
    source = (corpora / "attack/SOURCE.txt").read_text()
    assert f"v{attack.VERSION}" in source
    techniques = json.loads((corpora / "attack/enterprise-techniques.json").read_text())["techniques"]
    names = {one["id"]: one["name"] for one in techniques if not one["revoked"] and not one["deprecated"]}
    assert {identity: names.get(identity) for identity in attack.TECHNIQUES} == attack.TECHNIQUES


def test_every_constant_is_in_the_table():
    """No check can name a technique that the table does not hold."""
    constants = {
        value for value in vars(attack).values() if isinstance(value, str) and re.fullmatch(r"T\d{4}(\.\d{3})?", value)
    }
    assert constants == set(attack.TECHNIQUES)
