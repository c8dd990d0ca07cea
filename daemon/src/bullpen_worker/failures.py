"""Why something failed, in the reasons of bullpen.v1.ErrorReason.

The one place where exceptions of libraries become reasons that a person can act on. Tracebacks never cross the link
in a Failure; the loops send them as Log frames.
"""

from __future__ import annotations

import errno
import sys

from bullpen_api.worker.v1 import link_pb2

REMEDIES = {
    "DEVICE_OUT_OF_MEMORY": "Use a smaller picture size or a smaller model, or free memory on the device.",
    "MODEL_NOT_FOUND": "Install the model, or correct its path.",
    "MODEL_CORRUPT": "Fetch the model's files again; they are damaged or incomplete.",
    "MODEL_UNSAFE": "Use the safetensors version of the model; pickled weights can run any program.",
    "LORA_UNSUPPORTED_ENGINE": "Leave the LoRA out, or install what the engine lacks.",
    "MODEL_UNSUPPORTED": "Choose a model of a family that this engine knows.",
    "PICTURE_UNREADABLE": "Give a sound PNG, JPEG or WebP picture.",
    "PICTURE_TOO_LARGE": "Scale the picture down, or raise pictures.max_megapixels in daemon.toml.",
    "DISK_FULL": "Free space on the disk, then retry.",
    "PATH_NOT_FOUND": "Check the path; the file may have been moved or deleted.",
    "CONTENT_LOST": "Retry the job; the picture has to be made again.",
    "LIMIT_EXCEEDED": "Ask for less at once.",
    "ENGINE_FAILED": "See the log for details, then retry; if it fails again, try another model or other parameters.",
    "INTERNAL": "This is a fault of Bullpen; the log has the details.",
}

_DISK_FULL = {errno.ENOSPC, errno.EDQUOT}


class WorkerError(Exception):
    """A failure whose reason is known. `message` says in plain words what happened; `remedy` what to do; `step` is that
    of post-process at which it happened.
    """

    def __init__(self, reason: str, message: str, remedy: str = "") -> None:
        super().__init__(message)
        self.reason = reason
        self.message = message
        self.remedy = remedy or REMEDIES.get(reason, REMEDIES["ENGINE_FAILED"])
        self.step = ""

    def to_link(self) -> link_pb2.Failure:
        """The same as a message of the link."""
        return link_pb2.Failure(reason=self.reason, message=self.message, remedy=self.remedy, step=self.step)


def is_out_of_memory(error: BaseException) -> bool:
    """Whether the device, or the machine, had no memory left. Needs no torch to be imported."""
    if isinstance(error, MemoryError):
        return True
    torch = sys.modules.get("torch")
    if torch is not None and isinstance(error, torch.OutOfMemoryError):
        return True
    return isinstance(error, RuntimeError) and "can't allocate memory" in str(error)


def is_disk_full(error: BaseException) -> bool:
    """Whether a write failed for want of space or quota."""
    return isinstance(error, OSError) and error.errno in _DISK_FULL


def classify(error: BaseException, otherwise: str = "ENGINE_FAILED") -> WorkerError:
    """The failure that an exception stands for; `otherwise` is the reason of all that has none of its own."""
    if isinstance(error, WorkerError):
        return error
    found = _classified(error, otherwise)
    found.step = getattr(error, "step", "")
    return found


def _classified(error: BaseException, otherwise: str) -> WorkerError:
    if is_out_of_memory(error):
        return WorkerError("DEVICE_OUT_OF_MEMORY", "The device ran out of memory.")
    if is_disk_full(error):
        return WorkerError("DISK_FULL", "The disk is full; nothing was half written.")
    words = str(error).strip().splitlines()
    detail = words[0][:300] if words else "no details were given"
    return WorkerError(otherwise, f"{type(error).__name__}: {detail}")
