"""Generates the Python code of the contract from `proto/` into `clients/python/src/bullpen_api/`.

`python tools/generate.py` writes the code and the descriptor golden; `--check` writes nothing and fails when the
committed code is not what `proto/` gives. protoc's modules import each other as `bullpen.v1…`; they live in the
package `bullpen_api` here, so those imports are rewritten, which leaves descriptor names alone.
"""

from __future__ import annotations

import argparse
import os
import re
import sys
import tempfile
from importlib import resources
from pathlib import Path

from grpc_tools import protoc

ROOT = Path(__file__).resolve().parent.parent
PROTO = ROOT / "proto"
OUT = ROOT / "clients" / "python" / "src" / "bullpen_api"
GOLDEN = PROTO / "golden" / "bullpen.binpb"
_IMPORT = re.compile(r"\bbullpen\.(v1|worker\.v1)\b(?=\.\w+_pb2|\s+import\b)")


def rewrite(text: str) -> str:
    """Points imports of generated modules at `bullpen_api`; strings such as method paths stay."""
    lines = []
    for line in text.splitlines():
        if line.startswith(("from bullpen.", "import bullpen.")):
            line = line.replace("bullpen.", "bullpen_api.", 1)
        elif "_pb2" in line and '"' not in line:
            line = _IMPORT.sub(r"bullpen_api.\1", line)
        lines.append(line)
    return "\n".join(lines) + "\n"


def generate(into: Path, golden: Path) -> None:
    """Runs protoc; raises SystemExit with its status when it fails."""
    public = sorted(str(p.relative_to(PROTO)) for p in (PROTO / "bullpen" / "v1").glob("*.proto"))
    private = sorted(str(p.relative_to(PROTO)) for p in (PROTO / "bullpen" / "worker").rglob("*.proto"))
    # protoc's plug-in lies beside this interpreter, also where nobody activated its environment.
    os.environ["PATH"] = os.pathsep.join((str(Path(sys.executable).parent), os.environ.get("PATH", "")))
    well_known = str(resources.files("grpc_tools") / "_proto")
    with tempfile.TemporaryDirectory() as scratch:
        flags = [f"--python_out={scratch}", f"--mypy_out=quiet:{scratch}"]
        grpc_flags = [f"--grpc_python_out={scratch}", f"--mypy_grpc_out=quiet:{scratch}"]
        include = ["protoc", f"-I{PROTO}", f"-I{well_known}"]
        describe = [f"--descriptor_set_out={golden}", "--include_imports"]
        for command in ([*include, *flags, *grpc_flags, *describe, *public], [*include, *flags, *private]):
            if status := protoc.main(command):
                raise SystemExit(status)
        for source in sorted(Path(scratch).rglob("*.py*")):
            target = into / source.relative_to(Path(scratch) / "bullpen")
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(rewrite(source.read_text()))
    for folder in [into, *(p for p in into.rglob("*") if p.is_dir() and p.name != "__pycache__")]:
        (folder / "__init__.py").write_text('"""Generated from proto/ by tools/generate.py; do not edit."""\n')
    (into / "py.typed").write_text("")


def main() -> int:
    """Entry point; returns the exit status."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--check", action="store_true", help="compare only; exit 1 when something differs")
    if not parser.parse_args().check:
        generate(OUT, GOLDEN)
        return 0
    with tempfile.TemporaryDirectory() as scratch:
        fresh = Path(scratch) / "api"
        generate(fresh, Path(scratch) / "golden")
        stale = [
            str(p.relative_to(fresh))
            for p in sorted(fresh.rglob("*.py*"))
            if not (OUT / p.relative_to(fresh)).exists() or (OUT / p.relative_to(fresh)).read_text() != p.read_text()
        ]
        if (Path(scratch) / "golden").read_bytes() != GOLDEN.read_bytes():
            stale.append("proto/golden/bullpen.binpb")
    for name in stale:
        print(f"out of step with proto/: {name}; run `make generate`", file=sys.stderr)
    return 1 if stale else 0


if __name__ == "__main__":
    raise SystemExit(main())
