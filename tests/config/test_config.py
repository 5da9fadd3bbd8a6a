"""One broken configuration a folder, with the exact text it must be refused with."""

from pathlib import Path

import pytest

from counterfoil.config import load
from counterfoil.config.settings import Config
from counterfoil.config.values import HostPort
from counterfoil.model.errors import Misconfigured

BROKEN = sorted((Path(__file__).parent / "broken").iterdir())


def test_there_are_broken_configurations():
    """An empty folder of bad inputs would prove nothing, so it fails."""
    assert len(BROKEN) >= 10


@pytest.mark.parametrize("folder", BROKEN, ids=lambda folder: folder.name)
def test_broken_configuration_is_refused_with_the_exact_text(folder: Path):
    """Every fault of the file is named with its key, the problem and a hint, and nothing else is said."""
    with pytest.raises(Misconfigured) as refusal:
        load(folder / "config.toml")
    said = f"{refusal.value.message}\n{refusal.value.hint}\n".replace(str(folder), "FOLDER")
    assert said == (folder / "expected.txt").read_text(encoding="utf-8")


def test_three_faults_are_all_named():
    """A configuration with three faults names all three keys."""
    with pytest.raises(Misconfigured, match=r"(?s)3 faults.*gateway\.lissen.*outbound\.relay.*scan\.workers"):
        load(BROKEN[0] / "config.toml")


def test_without_a_file_the_defaults_hold():
    """``counterfoil serve`` works with no file at all."""
    assert load(None) == Config()


def test_a_file_that_is_not_there_is_refused(tmp_path: Path):
    """A path that was given and does not exist is a mistake, not a reason to use the defaults."""
    with pytest.raises(Misconfigured, match=r"cannot read the configuration .*none\.toml"):
        load(tmp_path / "none.toml")


def test_values_are_read(tmp_path: Path):
    """What the file says is what the configuration holds; paths are taken from the file's folder."""
    (tmp_path / "cert.pem").touch()
    (tmp_path / "key.pem").touch()
    file = tmp_path / "c.toml"
    file.write_text(
        '[gateway]\nlisten = "[::1]:0"\noutbound_listen = "127.0.0.1:26"\ntls_certificate = "cert.pem"\n'
        'tls_key = "key.pem"\n[outbound]\nrelay = "relay.example.org"\n[dns]\nenabled = false\nservers = ["::1"]\n',
        encoding="utf-8",
    )
    config = load(file)
    assert config.gateway.listen == HostPort("::1", 0)
    assert str(config.gateway.listen) == "[::1]:0"
    assert config.gateway.tls_key == tmp_path / "key.pem"
    assert config.outbound.relay == HostPort("relay.example.org", 25)
    assert config.dns.servers == ("::1",)
    assert config.dns.enabled is False
