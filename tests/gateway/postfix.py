"""A real Postfix of its own in a temporary folder on loopback, with our milter in front of its queue."""

import contextlib
import os
import pwd
import shutil
import socket
import subprocess
import tempfile
from pathlib import Path

from tests.conftest import missing, require_program

MASTER = """\
127.0.0.1:{port} inet n - n - - smtpd
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
verify unix - - n - 1 verify
flush unix n - n 1000? 0 flush
proxymap unix - - n - - proxymap
smtp unix - - n - - smtp
relay unix - - n - - smtp
error unix - - n - - error
retry unix - - n - - error
discard unix - - n - - discard
anvil unix - - n - 1 anvil
tlsmgr unix - - n 1000? 1 tlsmgr
scache unix - - n - 1 scache
postlog unix-dgram n - n - 1 postlogd
"""

MAIN = """\
compatibility_level = 3.6
queue_directory = {home}/queue
data_directory = {home}/data
daemon_directory = {daemons}
maillog_file = {home}/log
maillog_file_prefixes = {home}
mail_owner = postfix
setgid_group = postdrop
myhostname = postfix.test
mydestination =
local_recipient_maps =
alias_maps =
relay_domains = tenant.example, other.example
smtpd_relay_restrictions = reject_unauth_destination
relayhost = [127.0.0.1]:{relay}
relay_transport = smtp
smtp_dns_support_level = disabled
smtpd_client_restrictions =
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
mynetworks = 127.0.0.1/32
smtpd_milters = inet:127.0.0.1:{milter}
non_smtpd_milters =
milter_default_action = tempfail
smtpd_peername_lookup = no
local_header_rewrite_clients =
"""


def free_port() -> int:
    """Return a port that was free a moment ago; Postfix cannot bind port 0 and say which."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


@contextlib.contextmanager
def postfix(*, milter: int, relay: int, extra: str = ""):
    """Start Postfix, with more lines of main.cf that win over those above; yield its port and its log file."""
    program = require_program("postfix")
    if os.geteuid() != 0:
        missing("root, which Postfix must be started by")
    try:
        pwd.getpwnam("postfix")
    except KeyError:
        missing("the user postfix, which its Debian package makes")
    daemons = next((path for path in ("/usr/lib/postfix/sbin", "/usr/libexec/postfix") if Path(path).is_dir()), "")
    home = Path(tempfile.mkdtemp(prefix="postfix-"))
    home.chmod(0o755)
    try:
        for folder in ("etc", "queue", "data"):
            (home / folder).mkdir()
        shutil.chown(home / "data", "postfix")
        port = free_port()
        (home / "etc/main.cf").write_text(MAIN.format(home=home, daemons=daemons, relay=relay, milter=milter) + extra)
        (home / "etc/master.cf").write_text(MASTER.format(port=port))
        log = home / "log"
        started = subprocess.run(
            [program, "-c", str(home / "etc"), "start"], capture_output=True, check=False, timeout=60
        )
        assert started.returncode == 0, (started.stderr, log.exists() and log.read_text())
        try:
            yield port, log
        finally:
            subprocess.run([program, "-c", str(home / "etc"), "stop"], capture_output=True, timeout=60, check=True)
    finally:
        shutil.rmtree(home)
