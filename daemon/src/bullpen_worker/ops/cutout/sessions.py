"""rembg's sessions: which may be used, and how a network of the registry becomes one.

rembg knows two kinds of sessions that send pictures to a service (`atlascloud`, `withoutbg`), some that need words or
clicks (`sam`) or give several masks (`u2net_cloth_seg`), and many that fetch their weights when they are first used.
Here only those on the list below are opened, and only with weights that lie on this machine.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from bullpen_worker.failures import WorkerError
from bullpen_worker.ops.onnx_file import open_session, options
from bullpen_worker.ops.tools import Tool, Toolbox

# Sessions that take any weights of their architecture; a model's manifest names one as `runtime.session`.
CUSTOM = frozenset({"u2net_custom", "dis_custom", "ben_custom"})
# Sessions with weights of their own, which rembg looks for below $U2NET_HOME, or ~/.rembg and ~/.u2net.
NAMED = frozenset(
    {
        "birefnet-cod",
        "birefnet-dis",
        "birefnet-general",
        "birefnet-general-fp16",
        "birefnet-general-lite",
        "birefnet-hrsod",
        "birefnet-massive",
        "birefnet-portrait",
        "bria-rmbg",
        "isnet-anime",
        "isnet-general-use",
        "silueta",
        "u2net",
        "u2net_human_seg",
        "u2netp",
    }
)
# Sessions that send the picture away.
REMOTE = frozenset({"atlascloud", "withoutbg"})

_MISSING = "Install it: pip install 'bullpen[starter]'."
# rembg finds custom weights through the environment, which all threads share.
_environment = threading.Lock()


class Cutter:
    """An opened session."""

    def __init__(self, session: Any) -> None:
        self._session = session

    def alpha(self, image: Image.Image) -> NDArray[np.uint8]:
        """How much of each pixel of an RGB picture belongs to the foreground, (height, width), 0–255.

        Raises WorkerError ENGINE_FAILED.
        """
        try:
            # A session divides by the picture's own range; where there is none the result is no number.
            with np.errstate(divide="ignore", invalid="ignore"):
                masks = self._session.predict(image)
        except Exception as error:
            words = str(error).strip().splitlines()[:1]
            raise WorkerError("ENGINE_FAILED", f"The cutout model failed: {''.join(words)[:300]}") from error
        return np.asarray(masks[0].convert("L"), dtype=np.uint8)


def check_session(name: str) -> None:
    """Raises WorkerError MODEL_UNSUPPORTED for a session that is not on the list."""
    if name in CUSTOM | NAMED:
        return
    if name in REMOTE:
        raise WorkerError(
            "MODEL_UNSUPPORTED",
            f"The session {name} sends pictures to a service on the network; it is never used.",
            "Choose a cutout model that runs here: `bullpen models list --capability cutout`.",
        )
    raise WorkerError(
        "MODEL_UNSUPPORTED",
        f"There is no cutout session {name} that may be used; there are: {', '.join(sorted(NAMED))}.",
        "Choose one of them, or an installed model: `bullpen models list --capability cutout`.",
    )


def custom_cutter(tool: Tool, toolbox: Toolbox) -> Cutter:
    """The session of an installed model or of a lone ONNX file, which is taken for one of U²-Net's form.

    Raises WorkerError MODEL_CORRUPT, MODEL_UNSAFE, MODEL_UNSUPPORTED.
    """
    return toolbox.take("cutout", tool, "", lambda: _open_custom(tool, toolbox.threads))


def named_cutter(name: str, toolbox: Toolbox) -> Cutter:
    """A session of rembg's own, whose weights were put in their place before.

    Raises WorkerError MODEL_UNSUPPORTED, MODEL_NOT_FOUND.
    """
    check_session(name)
    if name in CUSTOM:
        message = f"The session {name} needs weights; a model of the registry brings them."
        raise WorkerError("MODEL_UNSUPPORTED", message)
    library = rembg()
    session = next(known for known in library.sessions.sessions_class if known.name() == name)
    if not session.is_local():
        message = f"The session {name} does not run on this machine; it is never used."
        raise WorkerError("MODEL_UNSUPPORTED", message)
    if session.resolve_existing(f"{name}.onnx") is None:
        place = Path(session.model_dir(), f"{name}.onnx")
        raise WorkerError(
            "MODEL_NOT_FOUND",
            f"The weights of the cutout session {name} are not on this machine, and nothing is fetched by itself.",
            f"Put them at {place}.",
        )
    return Cutter(library.new_session(name, sess_opts=options(toolbox.threads), providers=["CPUExecutionProvider"]))


def _open_custom(tool: Tool, threads: int) -> Cutter:
    runtime = tool.runtime()
    name = runtime.get("session", "u2net_custom")
    if not isinstance(name, str):
        raise WorkerError("MODEL_CORRUPT", f"The manifest of {tool.model.name} names no session.")
    check_session(name)
    if name not in CUSTOM:
        raise WorkerError("MODEL_UNSUPPORTED", f"The session {name} takes no weights of a model's own.")
    path = tool.weights(tool.file or runtime.get("file")).resolve()
    if path.suffix.lower() != ".onnx":
        raise WorkerError("MODEL_UNSUPPORTED", f"{path.name} is no ONNX file; cutouts need one.")
    library = rembg()
    # Opened here first: what is no network is refused in our words.
    shape = open_session(path, threads).get_inputs()[0].shape
    if len(shape) != 4:
        raise WorkerError("MODEL_UNSUPPORTED", f"{path.name} does not take a picture.")
    with _home(path.parent):
        return Cutter(
            library.new_session(
                name, model_path=str(path), sess_opts=options(threads), providers=["CPUExecutionProvider"]
            )
        )


@contextmanager
def _home(folder: Path) -> Iterator[None]:
    """Custom weights are taken below U2NET_HOME only."""
    with _environment:
        before = os.environ.get("U2NET_HOME")
        os.environ["U2NET_HOME"] = str(folder)
        try:
            yield
        finally:
            if before is None:
                del os.environ["U2NET_HOME"]
            else:
                os.environ["U2NET_HOME"] = before


def rembg() -> Any:
    """The library. Raises WorkerError MODEL_UNSUPPORTED where it is not installed."""
    # It would compile for most of a minute what is only used for matting.
    os.environ.setdefault("NUMBA_DISABLE_JIT", "1")
    try:
        import rembg as library
    except ModuleNotFoundError as error:
        raise WorkerError("MODEL_UNSUPPORTED", "rembg is not installed here.", _MISSING) from error
    return library
