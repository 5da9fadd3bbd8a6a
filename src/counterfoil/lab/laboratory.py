"""The laboratory Microsoft 365, for programs in Python: start it, seed it, point clients at it."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from counterfoil import clock
from counterfoil.lab import blobs, manage, places
from counterfoil.lab.authority import Identity, issue
from counterfoil.lab.engine import Engine, readable
from counterfoil.lab.entra import face as entra
from counterfoil.lab.graph import face as graph
from counterfoil.lab.logs.export import SHAPES, export
from counterfoil.lab.mx import Mx
from counterfoil.lab.objects import Tenant
from counterfoil.lab.server import Server
from counterfoil.lab.world import World


@dataclass(frozen=True, slots=True)
class Endpoints:
    """Where clients find the laboratory; all URLs without a trailing slash.

    ``login`` stands for https://login.microsoftonline.com, ``graph`` for https://graph.microsoft.com,
    ``manage`` for https://manage.office.com, ``blob`` for a storage account's; ``admin`` is the laboratory's own;
    ``ca`` is the file to trust; ``smtp`` is the port on 127.0.0.1 where mail for the tenants' domains is taken.
    """

    login: str
    graph: str
    manage: str
    admin: str
    blob: str
    smtp: int
    ca: Path


class Laboratory:
    """A laboratory Microsoft 365 on loopback.

    Args:
        directory: Where its state lives; a later laboratory on the same directory goes on with it.
        seed: Makes chance repeatable.
        ports: Wished ports by name (``login``, ``graph``, ``manage``, ``blob``, ``admin``).
    """

    def __init__(self, directory: Path, *, seed: int | None = None, ports: dict[str, int] | None = None) -> None:
        readable(directory)
        self.engine = Engine(directory, seed)
        wished = ports or self.engine.recall_ports()
        faces = {"login": entra.answer, "graph": graph.answer, "manage": manage.answer, "blob": blobs.answer}
        self._server = Server(self.engine, faces, wished)
        self._mx = Mx(self.engine, self.engine.trusted, wished.get("smtp", 0))

    def start(self) -> Self:
        """Serve; returns when every port answers.

        Raises:
            Unavailable: If a port cannot be had.
        """
        self._mx.start()
        self._server.start()
        self.engine.remember_ports({**self._server.ports, "smtp": self._mx.port})
        return self

    def stop(self) -> None:
        """Stop serving and close the state."""
        self._server.stop()
        self._mx.stop()
        self.engine.close()

    @property
    def endpoints(self) -> Endpoints:
        """Where clients find it; complete once it has been started."""
        urls = {name: f"https://localhost:{port}" for name, port in self._server.ports.items()}
        return Endpoints(**urls, smtp=self._mx.port, ca=self.engine.authority.certificate)

    def certificate(self, directory: Path, *names: str) -> Identity:
        """Issue a certificate for DNS names that connectors believe; returns its two PEM files."""
        directory.mkdir(parents=True, exist_ok=True)
        identity = Identity(directory / f"{names[0]}.pem", directory / f"{names[0]}-key.pem")
        issue(self.engine.authority, identity, list(names), clock.now())
        return identity

    def export(self, directory: Path, *, tenants: Sequence[str] | None = None, shapes: Sequence[str] = SHAPES) -> int:
        """Write what tenants can see of their logs by now, a folder each; returns the number of files.

        Args:
            directory: Where the folders go; files that are there already are replaced.
            tenants: Ids or domains; all where left out.
            shapes: Which of ``counterfoil.lab.logs.export.SHAPES``; the same rows appear in several.
        """
        self.engine.ripen_rows()
        moment = clock.now().timestamp()

        def collect(world: World) -> dict[str, bytes]:
            chosen = [places.tenant(world, name) for name in tenants] if tenants else world.every(Tenant)
            files: dict[str, bytes] = {}
            for tenant in chosen:
                files |= export(world, tenant, moment, shapes)
            return files

        files = self.engine.ask(collect)
        for path, data in files.items():
            place = directory / path
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_bytes(data)
        return len(files)

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def operate(self, name: str, /, **arguments: Any) -> Any:
        """Run any operation of ``counterfoil.lab.seed``; arguments and answer are JSON.

        Raises:
            Refused: If it refuses, with the reason.
        """
        return self.engine.operate(name, arguments)

    def add_tenant(self, name: str, **more: Any) -> dict[str, Any]:
        """Make a tenant (``domains``, ``licensed``, ``id``); returns it."""
        answer: dict[str, Any] = self.operate("add_tenant", name=name, **more)
        return answer

    def add_application(self, tenant: str, name: str, **more: Any) -> dict[str, str]:
        """Register an application (``roles``, ``certificates_pem``, ``multi_tenant``, ``owners``).

        Returns ``tenant``, ``object_id``, ``app_id``, ``service_principal``.
        """
        answer: dict[str, str] = self.operate("add_application", tenant=tenant, name=name, **more)
        return answer

    def add_mailbox(self, tenant: str, address: str, **more: Any) -> dict[str, str]:
        """Make a user with a mailbox (``name``); returns ``id``, ``address``, ``exchange_guid``."""
        answer: dict[str, str] = self.operate("add_mailbox", tenant=tenant, address=address, **more)
        return answer

    def set(self, tenant: str | None = None, **dials: Any) -> dict[str, Any]:
        """Turn dials of ``counterfoil.lab.settings.Settings``, for all tenants or one."""
        answer: dict[str, Any] = self.operate("set_settings", tenant=tenant, **dials)
        return answer
