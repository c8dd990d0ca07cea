"""The exception family of the client: what the daemon said, as one class per reason.

    Exception
    └── BullpenError                 reason, message, field, remedy, metadata, code
        ├── one class per value of bullpen.v1.ErrorReason (PATH_NOT_ALLOWED → PathNotAllowed, …)
        └── made by the client itself
            ├── DaemonUnavailable    nothing serves this home, or the connection broke
            ├── DaemonSilent         a daemon lives, and does not answer
            ├── DaemonStartFailed    a daemon was started and ended, or never came to serve
            ├── DeadlineExceeded     no answer in the time that the caller gave
            └── MethodUnknown        the daemon has no such method

A refused call carries `google.rpc.Status` in the trailing metadata `grpc-status-details-bin` with one
`google.rpc.ErrorInfo`; `from_rpc` turns that into the right class. A reason that this client does not know
(the daemon may be newer) gives a plain `BullpenError` with that reason.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any, ClassVar

import grpc
from google.protobuf.message import DecodeError
from google.rpc import error_details_pb2, status_pb2  # type: ignore[import-untyped, unused-ignore]

DOMAIN = "bullpen"
_DETAILS_KEY = "grpc-status-details-bin"


class BullpenError(Exception):
    """A refused or failed call. `str()` gives the message alone; `remedy` says what to do about it."""

    REASON: ClassVar[str] = "UNKNOWN"

    def __init__(
        self,
        message: str,
        *,
        reason: str = "",
        field: str = "",
        remedy: str = "",
        metadata: Mapping[str, str] | None = None,
        code: grpc.StatusCode = grpc.StatusCode.UNKNOWN,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.reason = reason or self.REASON
        self.field = field
        self.remedy = remedy
        self.metadata = dict(metadata or {})
        self.code = code

    def as_dict(self) -> dict[str, Any]:
        """The error as one JSON object: reason, kind (name of the gRPC code), message, field, remedy, metadata."""
        return {
            "reason": self.reason,
            "kind": self.code.name,
            "message": self.message,
            "field": self.field,
            "remedy": self.remedy,
            "metadata": self.metadata,
        }


class TokenInvalid(BullpenError):
    """No token, or one that this daemon does not know."""


class FieldInvalid(BullpenError):
    """A field is missing, malformed or out of its bounds."""


class ExactlyOneOf(BullpenError):
    """Both or neither of two fields were given where exactly one is needed."""


class LimitExceeded(BullpenError):
    """A limit of the manifest or of the settings is exceeded."""


class PageTokenInvalid(BullpenError):
    """A page token that was not given by this list call."""


class PathNotAllowed(BullpenError):
    """A path escapes its folder or lies outside the allowed roots."""


class PathNotFound(BullpenError):
    """A file or folder on the daemon's machine does not exist."""


class PictureUnreadable(BullpenError):
    """A file is not a picture of a supported format, or is damaged."""


class PictureTooLarge(BullpenError):
    """A picture would decode to more pixels than allowed."""


class ProjectNotFound(BullpenError):
    """No such project."""


class ResourceNotFound(BullpenError):
    """No such resource; metadata `resource` names it."""


class AlreadyExists(BullpenError):
    """A resource of this name exists."""


class StageUnknown(BullpenError):
    """The manifest has no such stage."""


class StageNotReady(BullpenError):
    """The stage starts from accepted pictures of an earlier stage, and some are missing."""


class ModelNotFound(BullpenError):
    """The model is not installed."""


class ModelCorrupt(BullpenError):
    """The model's files are damaged or differ from their manifest."""


class ModelUnsupported(BullpenError):
    """The model's family cannot do what the stage asks."""


class ModelUnsafe(BullpenError):
    """The model holds pickled weights, which are never loaded."""


class DeviceOutOfMemory(BullpenError):
    """The device ran out of memory, also after making room."""


class DeviceUnavailable(BullpenError):
    """No device can take the work."""


class WorkerLost(BullpenError):
    """The worker process died or hung during the job."""


class EngineFailed(BullpenError):
    """The engine gave an error while it made the picture."""


class StateConflict(BullpenError):
    """The resource's state does not allow this call."""


class PlanStale(BullpenError):
    """The plan's digest is not that of the plan as it would be made now."""


class SpendNotConfirmed(BullpenError):
    """The plan costs money and nobody confirmed it."""


class OffloadNotConfirmed(BullpenError):
    """Work would leave the devices in general use, and nobody agreed to that."""


class RequestIdReused(BullpenError):
    """The request id was used before for a different request."""


class DiskFull(BullpenError):
    """The disk is full; nothing was half written."""


class QueueFull(BullpenError):
    """The queue is full."""


class ContentLost(BullpenError):
    """A stored file is missing or its content is not what its name says."""


class DatabaseUnavailable(BullpenError):
    """The database could not be read or written."""


class WatcherTooSlow(BullpenError):
    """The watcher read too slowly and was let go; resume from the last revision seen."""


class RevisionUnknown(BullpenError):
    """The revision to resume from lies in the future of this journal."""


class ShuttingDown(BullpenError):
    """The daemon is shutting down."""


class Internal(BullpenError):
    """A fault of the daemon; its log has the details under metadata `incident`."""


class SettingInvalid(BullpenError):
    """A setting or a settings file has a wrong value."""


class HomeLocked(BullpenError):
    """Another daemon serves this home."""


class SchemaTooNew(BullpenError):
    """The database was written by a newer version."""


class RunLogInvalid(BullpenError):
    """A run log is not one, is incomplete, or cannot be replayed here."""


class LoraUnsupportedEngine(BullpenError):
    """The model does not take a LoRA on this engine."""


class ModelNotConverted(BullpenError):
    """The model was not converted for this engine."""


class EtagMismatch(BullpenError):
    """The resource changed since its etag was read."""


class TemplateVariableUnknown(BullpenError):
    """Words use a variable, or a value is given for one, that nobody declared."""


class ReferenceSetEmpty(BullpenError):
    """A reference set without items is named, or would be left, where its items are needed."""


class CurrencyMismatch(BullpenError):
    """Two amounts that belong together are in different currencies."""


class PlanExpired(BullpenError):
    """The confirmed plan costs money, and its time is over, it was used before, or it was never shown."""


class SpendCapExceeded(BullpenError):
    """What is asked for would cost more than the project's limits allow."""


class VaultLocked(BullpenError):
    """The vault's master key is missing, readable by others, or not the one that a secret was sealed with."""


class InstructionStale(BullpenError):
    """An instruction is not what was shown any more."""


class ConfirmationExpired(BullpenError):
    """What was shown of an instruction is too old to be confirmed."""


class LanguageEngineFailed(BullpenError):
    """A language model could not be reached, or what it sent made no sense."""


class ProviderAccountMissing(BullpenError):
    """No account is configured for the provider that is asked for, or several are and none is named."""


class AddressNotAllowed(BullpenError):
    """An address leads into a private network, or to the daemon's machine, where that was not allowed."""


class ProviderUnavailable(BullpenError):
    """A provider could not be reached, or is too busy; nothing was charged."""


class ProviderRefused(BullpenError):
    """A provider refused the request; nothing was charged."""


class PaidOutcomeUnknown(BullpenError):
    """A paid request was sent, and what became of it is not known; it is not sent again."""


class RecipeInvalid(BullpenError):
    """A picture tells how it was made, and what it tells is damaged or not understood."""


class AgentNotConfigured(BullpenError):
    """An instruction is for the external agent, and the settings name none, or no token for it."""


class AgentUnavailable(BullpenError):
    """The external agent could not be reached; nothing was sent to it."""


class AgentRefused(BullpenError):
    """The external agent refused an instruction, or said that it failed."""


class AgentOutcomeUnknown(BullpenError):
    """An instruction was sent to the external agent, which never said what came of it; it is not sent again."""


class CallbackRefused(BullpenError):
    """A callback's token, signature, time or instruction is not the one that was agreed."""


class CallbackReplayed(BullpenError):
    """The token of a callback was used before; it is good for one answer."""


class CallbackExpired(BullpenError):
    """A callback came after its time, or after its instruction had ended."""


class StorageUnavailable(BullpenError):
    """The place that pictures are to be brought to cannot be reached, or what speaks to it is not installed."""


class SearchInvalid(BullpenError):
    """A search is not written in the language of searches; `metadata` has the column, from 1, and the length."""


class DaemonUnavailable(BullpenError):
    """Nothing serves this home, or the connection broke. Made by the client."""


class DaemonSilent(BullpenError):
    """A daemon lives, and does not answer: it is very busy, stopped, or hangs. Made by the client."""


class DaemonStartFailed(BullpenError):
    """A daemon was started and ended, or never came to serve. Made by the client."""


class DeadlineExceeded(BullpenError):
    """No answer in the time that the caller gave. Made by the client."""


class MethodUnknown(BullpenError):
    """The daemon has no such method. Made by the client."""


def _reason_of(class_name: str) -> str:
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "_", class_name).upper()


CLIENT_REASONS = frozenset(
    {"DAEMON_UNAVAILABLE", "DAEMON_SILENT", "DAEMON_START_FAILED", "DEADLINE_EXCEEDED", "METHOD_UNKNOWN"}
)
# Every class by its reason; a test holds this table and bullpen.v1.ErrorReason together.
BY_REASON: dict[str, type[BullpenError]] = {}
for _class in BullpenError.__subclasses__():
    _class.REASON = _reason_of(_class.__name__)
    BY_REASON[_class.REASON] = _class

# What a status without ErrorInfo means: it was given by gRPC itself, not by the daemon's rules.
_BARE: dict[grpc.StatusCode, tuple[type[BullpenError], str]] = {
    grpc.StatusCode.UNAVAILABLE: (
        DaemonUnavailable,
        "Start it with `bullpen daemon start`, or see why it ended in the folder `logs` of its home.",
    ),
    grpc.StatusCode.DEADLINE_EXCEEDED: (DeadlineExceeded, "Try again; `bullpen doctor` says how the daemon is."),
    grpc.StatusCode.UNIMPLEMENTED: (MethodUnknown, "`bullpen call --list` shows the methods of this daemon."),
    grpc.StatusCode.UNAUTHENTICATED: (
        TokenInvalid,
        "Use the home of this daemon; its token lies in run/endpoint.json.",
    ),
}


def make(
    reason: str, message: str, *, code: grpc.StatusCode = grpc.StatusCode.UNKNOWN, metadata: Mapping[str, str]
) -> BullpenError:
    """The exception for a reason; `field` and `remedy` are taken out of the metadata."""
    dynamic = dict(metadata)
    field, remedy = dynamic.pop("field", ""), dynamic.pop("remedy", "")
    return BY_REASON.get(reason, BullpenError)(
        message, reason=reason, field=field, remedy=remedy, metadata=dynamic, code=code
    )


def _error_info(trailing: Iterable[tuple[str, str | bytes]]) -> tuple[str, error_details_pb2.ErrorInfo] | None:
    for key, value in trailing:
        if key != _DETAILS_KEY or not isinstance(value, bytes):
            continue
        status = status_pb2.Status()
        try:
            status.ParseFromString(value)
        except DecodeError:
            return None
        for detail in status.details:
            info = error_details_pb2.ErrorInfo()
            if detail.Unpack(info) and info.domain == DOMAIN:
                return status.message, info
    return None


def from_rpc(error: grpc.RpcError) -> BullpenError:
    """The typed form of a gRPC error (`grpc.aio.AioRpcError`, or the error of a plain channel)."""
    code: grpc.StatusCode = error.code()
    details: str = error.details() or ""
    trailing: Any = error.trailing_metadata() or ()
    if found := _error_info(trailing):
        message, info = found
        return make(info.reason, message or details, code=code, metadata=info.metadata)
    if code in _BARE:
        kind, remedy = _BARE[code]
        words = details or code.name.lower().replace("_", " ")
        if kind is DaemonUnavailable:
            # What gRPC says of addresses and connections tells a person nothing; a program finds it beside the words.
            return kind("The daemon does not answer.", remedy=remedy, code=code, metadata={"detail": words})
        return kind(words, remedy=remedy, code=code)
    return BullpenError(details or f"The call ended with {code.name}.", reason=code.name, code=code)
