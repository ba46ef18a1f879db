"""R-48: the container runs without rights, on a read-only file system, and needs no tools.

No image is built here. The Dockerfile is read for what it promises, and its command is really run the same way: as the
user it names, without capabilities, everything mounted read-only but the temporary folders and the one volume.
"""

from __future__ import annotations

import ast
import json
import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.service.conftest import AS_OF, PATIENT_VIEW, ROOT, hook_call
from tests.serving import until_ready

DOCKERFILE = (ROOT / "Dockerfile").read_text(encoding="utf-8").replace("\\\n", " ")
USER = "10001"
TOOLS = "/usr/sbin:/usr/bin:/sbin:/bin"
CONFINED = f"""
given=$PATH volume=$1 mounts=$2 unshare=$3; shift 3; PATH={TOOLS}
for one in $mounts; do mount -o remount,bind,ro "$one" || exit 97; done
mount -t tmpfs tmpfs /dev/shm && mount -t tmpfs tmpfs "$volume" && cd "$volume" || exit 97
PATH=$given exec "$unshare" --user --map-user={USER} --map-group={USER} -- "$@"
"""
"""A script: volume, places to mount read-only, the tool unshare, then the command to run without rights."""
Status = dict[str, str]


def last_stage() -> list[tuple[str, str]]:
    """(instruction, argument) of the stage that becomes the image."""
    stage = DOCKERFILE[DOCKERFILE.rindex("\nFROM ") :]
    lines = [line.split(maxsplit=1) for line in stage.splitlines() if line and line[0].isupper()]
    return [(words[0], words[1].strip()) for words in lines]


def test_the_image_starts_as_a_user_without_rights_by_number() -> None:
    names = [name for name, _ in last_stage()]
    assert [value for name, value in last_stage() if name == "USER"] == [USER]
    assert names.index("USER") < names.index("CMD")
    assert "ENTRYPOINT" not in names


def test_the_image_holds_no_compiler_and_no_shell_starts_the_service() -> None:
    for name, value in last_stage():
        assert not (name == "RUN" and "apt-get" in value)
        if name == "CMD":
            assert json.loads(value)[:2] == ["cart-cds", "serve"], "a list: no shell stands between"
    assert "gcc" in DOCKERFILE[: DOCKERFILE.rindex("\nFROM ")], "the compiler stays in the stage that builds"


def test_the_service_never_calls_another_program() -> None:
    forbidden = {"subprocess", "pty", "commands"}
    for path in (ROOT / "cds_service").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            assert forbidden.isdisjoint(name.partition(".")[0] for name in names), path
            if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "os":
                assert node.attr not in ("system", "popen") and not node.attr.startswith(("exec", "spawn")), path


def mount_of(path: Path) -> str:
    """The mount point a path lies on."""
    return str(next(one for one in (path, *path.parents) if os.path.ismount(one)))


@pytest.fixture(scope="module")
def confined(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[int, int]]:
    """(port, process) of the Dockerfile's command under those conditions."""
    unshare = shutil.which("unshare", path=TOOLS)
    volume = tmp_path_factory.mktemp("volume")
    places = " ".join(sorted({"/", mount_of(ROOT), mount_of(Path(sys.prefix))}))
    start = [unshare or "", "--map-root-user", "--mount", "--", "/bin/sh", "-c", CONFINED, "sh", str(volume), places]
    start.append(unshare or "")
    if not unshare or subprocess.run([*start, "/bin/true"], check=False, capture_output=True).returncode:
        pytest.skip("this machine gives no namespaces of its own; nothing can be mounted read-only here")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = json.loads(next(value for name, value in last_stage() if name == "CMD"))
    command = [str(Path(sys.executable).parent / command[0]), *command[1:]]
    command[command.index("--host") + 1], command[command.index("--port") + 1] = "127.0.0.1", str(port)
    environment = {
        "PATH": str(Path(sys.executable).parent),
        "TMPDIR": str(volume),
        "PYTHONDONTWRITEBYTECODE": "1",
        "CART_CDS_AUTH": "off",
        "CART_CDS_SANDBOX": "on",
        "CART_CDS_FEEDBACK": "on",
        "CART_CDS_DATABASE_URL": f"sqlite:///{volume}/cart-cds.db",
    }
    told = tmp_path_factory.mktemp("container") / "err.txt"
    with told.open("wb") as err:
        service = subprocess.Popen([*start, *command], env=environment, stdout=subprocess.DEVNULL, stderr=err)
    try:
        until_ready(f"http://127.0.0.1:{port}", service, lambda: told.read_text(encoding="utf-8"))
        yield port, service.pid
    finally:
        service.terminate()
        service.wait(timeout=30)


def status_of(process: int) -> Status:
    lines = Path(f"/proc/{process}/status").read_text(encoding="utf-8").splitlines()
    return {name: value.strip() for name, _, value in (line.partition(":") for line in lines)}


def volume_of(process: int) -> Path:
    """The volume as the service sees it: its working folder."""
    return Path(f"/proc/{process}/cwd")


def processes(first: int) -> Iterator[int]:
    """The process and all that it started."""
    yield first
    for task in Path(f"/proc/{first}/task").iterdir():
        for child in (task / "children").read_text(encoding="utf-8").split():
            yield from processes(int(child))


def test_it_really_runs_without_rights_and_read_only(confined: tuple[int, int]) -> None:
    _, process = confined
    found = list(processes(process))
    assert len(found) > 1, "the workers too"
    for one in found:
        assert int(status_of(one)["CapEff"], 16) == 0
        mounts = [line.split() for line in Path(f"/proc/{one}/mounts").read_text(encoding="utf-8").splitlines()]
        for place in {"/", mount_of(ROOT)}:
            assert [m[3].split(",")[0] for m in mounts if m[1] == place][-1] == "ro", place
        assert (Path(f"/proc/{one}/uid_map").read_text(encoding="utf-8").split())[0] == USER


def test_it_answers_and_keeps_feedback_there(confined: tuple[int, int]) -> None:
    port, process = confined
    with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=60, trust_env=False) as client:
        answer = client.post(f"{PATIENT_VIEW}?asOf={AS_OF}", json=hook_call())
        assert answer.status_code == 200
        (card,) = answer.json()["cards"]
        entry = {"card": card["uuid"], "outcome": "overridden", "outcomeTimestamp": "2026-11-21T10:00:00Z"}
        assert client.post(f"{PATIENT_VIEW}/feedback", json={"feedback": [entry]}).status_code == 204
    kept = [path.name for path in volume_of(process).iterdir()]
    assert "cart-cds.db" in kept
