import asyncio

from tests.conftest import require_program
from tests.gateway.peers import house
from tests.gateway.postfix import free_port

from counterfoil.gateway.access import AccessLimits
from counterfoil.gateway.routing import Route
from counterfoil.model.mail import Outcome


async def listening(port, process):
    """Wait until somebody answers on a port."""
    async with asyncio.timeout(20):
        while process.returncode is None:
            try:
                _, writer = await asyncio.open_connection("127.0.0.1", port)
            except OSError:
                await asyncio.sleep(0.02)
            else:
                writer.close()
                return


async def test_between_smtp_source_and_smtp_sink(tmp_path):
    """With Postfix's own client and server on either side every message arrives once, whole, and is written down."""
    source, sink, port = require_program("smtp-source"), require_program("smtp-sink"), free_port()
    tmp_path.chmod(0o777)
    server = await asyncio.create_subprocess_exec(
        sink, "-u", "nobody", "-R", str(tmp_path), "-d", "m.", f"inet:127.0.0.1:{port}", "100"
    )
    try:
        await listening(port, server)
        async with house(access=AccessLimits(messages_per_minute=10_000)) as here:
            here.directory.routes["tenant.example"] = Route("t1", here.next_hop(port=port), {})
            client = await asyncio.create_subprocess_exec(
                source, "-s", "5", "-m", "60", "-r", "2", "-l", "20000", "-S", "a subject",
                "-f", "ann@sender.example", "-t", "bob@tenant.example", f"inet:127.0.0.1:{here.port}",
            )  # fmt: skip
            assert await asyncio.wait_for(client.wait(), 60) == 0
            assert here.journal.outcomes == [Outcome.HANDED_ON] * 60
    finally:
        server.terminate()
        await server.wait()
    arrived = [path.read_bytes() for path in tmp_path.iterdir()]
    assert len(arrived) == 60
    ids = {raw.split(b"X-Counterfoil-Id: ")[1].split(b"\n")[0] for raw in arrived}
    assert len(ids) == 60
    assert all(b"a subject" in raw and len(raw) > 20_000 for raw in arrived)
