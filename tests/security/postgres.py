"""A PostgreSQL server of the test's own, where the machine has the programs."""

from __future__ import annotations

import os
import pwd
import shutil
import socket
import subprocess
import tempfile
from pathlib import Path


def find_postgres() -> Path | None:
    """The folder of initdb and pg_ctl; None where there is none."""
    found = shutil.which("initdb")
    folders = [Path(found).resolve().parent] if found else []
    folders += sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    return next((folder for folder in folders if (folder / "initdb").exists() and (folder / "pg_ctl").exists()), None)


class Postgres:
    """One server on loopback; ``new_database`` gives the URL of an empty database."""

    def __init__(self, programs: Path) -> None:
        self.programs = programs
        self.home = Path(tempfile.mkdtemp(prefix="cart-cds-pg-"))
        self.folder = self.home / "data"
        self.user = self._user()
        self.number = 0
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port: int = probe.getsockname()[1]
        self._run("initdb", "-D", str(self.folder), "-U", "cart", "-A", "trust", "-E", "UTF8", "--no-sync")
        options = f"-p {self.port} -h 127.0.0.1 -k {self.home}"
        self._run("pg_ctl", "-D", str(self.folder), "-o", options, "-l", str(self.home / "log"), "-w", "start")

    def _user(self) -> str | None:
        """PostgreSQL does not run as root: then as the first user there is for it."""
        if os.geteuid() != 0:
            return None
        for name in ("postgres", "nobody"):
            try:
                account = pwd.getpwnam(name)
            except KeyError:
                continue
            os.chown(self.home, account.pw_uid, account.pw_gid)
            return name
        raise RuntimeError("no user for PostgreSQL")

    def _run(self, program: str, *arguments: str) -> None:
        command = [str(self.programs / program), *arguments]
        subprocess.run(
            command,
            check=True,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            timeout=60,
            user=self.user,
            cwd="/",
        )

    def new_database(self) -> str:
        import psycopg

        self.number += 1
        name = f"cart_{self.number}"
        with psycopg.connect(f"host=127.0.0.1 port={self.port} user=cart dbname=postgres", autocommit=True) as admin:
            admin.execute(f"CREATE DATABASE {name}".encode())
        return f"postgresql://cart@127.0.0.1:{self.port}/{name}"

    def stop(self) -> None:
        self._run("pg_ctl", "-D", str(self.folder), "-m", "immediate", "stop")
        shutil.rmtree(self.home, ignore_errors=True)
