"""The one family of errors that leaves the daemon.

    BullpenError
    ├── one class per bullpen.v1.ErrorReason, below

Each class fixes its reason and its gRPC kind; an instance adds a sentence that says what happened, the request
field at fault, a remedy, and dynamic parts as metadata. The rpc room maps them outward in one place. A test holds
this table, the proto enum, docs/errors.md and the Python client together.
"""

from __future__ import annotations

from typing import ClassVar

from bullpend.redaction import redact


class BullpenError(Exception):
    """A refusal or failure with a reason that clients can act on.

    `kind` is the name of a gRPC status code. `metadata` values are strings that may be shown to a person.
    """

    reason: ClassVar[str] = "INTERNAL"
    kind: ClassVar[str] = "INTERNAL"
    default_remedy: ClassVar[str] = ""

    def __init__(self, message: str, *, field: str = "", remedy: str = "", **metadata: object) -> None:
        message = redact(message)
        super().__init__(message)
        self.message = message
        self.field = redact(field)
        self.remedy = redact(remedy) or self.default_remedy
        self.metadata = {key: redact(str(value)) for key, value in metadata.items()}


class TokenInvalid(BullpenError):
    reason, kind = "TOKEN_INVALID", "UNAUTHENTICATED"
    default_remedy = "Read the token from run/endpoint.json in the daemon's home; it changes with every start."


class FieldInvalid(BullpenError):
    reason, kind = "FIELD_INVALID", "INVALID_ARGUMENT"
    default_remedy = "Correct the field that is named, and send the request again."


class ExactlyOneOf(BullpenError):
    reason, kind = "EXACTLY_ONE_OF", "INVALID_ARGUMENT"
    default_remedy = "Give one of the two fields."


class LimitExceeded(BullpenError):
    reason, kind = "LIMIT_EXCEEDED", "INVALID_ARGUMENT"
    default_remedy = "Ask for less at once."


class PageTokenInvalid(BullpenError):
    reason, kind = "PAGE_TOKEN_INVALID", "INVALID_ARGUMENT"
    default_remedy = "List again from the start, without a page token."


class PathNotAllowed(BullpenError):
    reason, kind = "PATH_NOT_ALLOWED", "PERMISSION_DENIED"
    default_remedy = "Use a path inside the allowed folders, or add the folder to paths.input_roots in daemon.toml."


class PathNotFound(BullpenError):
    reason, kind = "PATH_NOT_FOUND", "NOT_FOUND"
    default_remedy = "Check the spelling; the path is one of the machine that the daemon runs on."


class PictureUnreadable(BullpenError):
    reason, kind = "PICTURE_UNREADABLE", "INVALID_ARGUMENT"
    default_remedy = "Give a PNG, JPEG or WebP picture that another program opens."


class PictureTooLarge(BullpenError):
    reason, kind = "PICTURE_TOO_LARGE", "INVALID_ARGUMENT"
    default_remedy = "Scale the picture down, or raise pictures.max_megapixels in the settings."


class ProjectNotFound(BullpenError):
    reason, kind = "PROJECT_NOT_FOUND", "NOT_FOUND"
    default_remedy = "See the projects with `bullpen projects list`."


# The command that lists resources of a collection; `{0}` and `{1}` are the ids before it in their names.
LISTED_BY = {
    "styleGuides": "styles list {0}",
    "characters": "characters list {0}",
    "scenes": "scenes list {0}",
    "referenceSets": "references list {0}",
    "promptTemplates": "templates list {0}",
    "providerAccounts": "providers list {0}",
    "assets": "assets list {0}",
    "searches": "assets searches list {0}",
    "exports": "export list {0}",
    "instructions": "instructions list {0}",
    "prompts": "prompts list {0}",
    "chatSessions": "chat list {0}",
    "runs": "runs list --project {0}",
    "jobs": "runs jobs {0}/{1}",
    "candidates": "runs jobs {0}/{1}",
    "paidRequests": "remote list",
}


class ResourceNotFound(BullpenError):
    """`resource` is the name that was looked for: without a remedy it says which command lists its like."""

    reason, kind = "RESOURCE_NOT_FOUND", "NOT_FOUND"
    default_remedy = "Check the name; a list call shows what there is."

    def __init__(self, message: str, *, field: str = "", remedy: str = "", **metadata: object) -> None:
        super().__init__(message, field=field, remedy=remedy or _listed(str(metadata.get("resource", ""))), **metadata)


def _listed(resource: str) -> str:
    """Where such resources are listed; empty where no command lists them."""
    parts = resource.split("/")
    command = LISTED_BY.get(parts[-2], "") if len(parts) % 2 == 0 else ""
    return f"Check the name: `bullpen {command.format(*parts[1::2])}` shows what there is." if command else ""


class AlreadyExists(BullpenError):
    reason, kind = "ALREADY_EXISTS", "ALREADY_EXISTS"
    default_remedy = "Choose another id, or use the resource that exists."


class StageUnknown(BullpenError):
    reason, kind = "STAGE_UNKNOWN", "NOT_FOUND"
    default_remedy = "See the stages with `bullpen stages`."


class StageNotReady(BullpenError):
    reason, kind = "STAGE_NOT_READY", "FAILED_PRECONDITION"
    default_remedy = "Run the earlier stage, and accept a candidate of each scene."


class ModelNotFound(BullpenError):
    reason, kind = "MODEL_NOT_FOUND", "NOT_FOUND"
    default_remedy = "See the installed models with `bullpen models list`."


class ModelCorrupt(BullpenError):
    reason, kind = "MODEL_CORRUPT", "FAILED_PRECONDITION"
    default_remedy = "Put the file back as it was, or install the model again; other models are not affected."


class ModelUnsupported(BullpenError):
    reason, kind = "MODEL_UNSUPPORTED", "FAILED_PRECONDITION"
    default_remedy = "Choose a model that this version can run; `bullpen models list` says which can."


class ModelUnsafe(BullpenError):
    reason, kind = "MODEL_UNSAFE", "FAILED_PRECONDITION"
    default_remedy = "Use the model as safetensors; `bullpen models convert FILE` makes them of a pickled file."


class DeviceOutOfMemory(BullpenError):
    reason, kind = "DEVICE_OUT_OF_MEMORY", "RESOURCE_EXHAUSTED"
    default_remedy = "Use a smaller picture size or a smaller model, or free memory on the device."


class DeviceUnavailable(BullpenError):
    reason, kind = "DEVICE_UNAVAILABLE", "UNAVAILABLE"
    default_remedy = "See `bullpen doctor` for what is wrong with the devices."


class WorkerLost(BullpenError):
    reason, kind = "WORKER_LOST", "ABORTED"
    default_remedy = "Retry the job; the daemon's log says why the worker ended."


class EngineFailed(BullpenError):
    reason, kind = "ENGINE_FAILED", "INTERNAL"
    default_remedy = "See the daemon's log for details, then retry the job."


class StateConflict(BullpenError):
    reason, kind = "STATE_CONFLICT", "ABORTED"
    default_remedy = "Read the resource again, and see what its state allows."


class PlanStale(BullpenError):
    reason, kind = "PLAN_STALE", "ABORTED"
    default_remedy = "Plan again and confirm what is shown now."


class SpendNotConfirmed(BullpenError):
    reason, kind = "SPEND_NOT_CONFIRMED", "FAILED_PRECONDITION"
    default_remedy = "Look at the cost, then send confirm_spend (--confirm-spend)."


class OffloadNotConfirmed(BullpenError):
    reason, kind = "OFFLOAD_NOT_CONFIRMED", "FAILED_PRECONDITION"
    default_remedy = "See `bullpen advise` for how long it takes where, then send confirm_offload (--confirm-offload)."


class RequestIdReused(BullpenError):
    reason, kind = "REQUEST_ID_REUSED", "ALREADY_EXISTS"
    default_remedy = "Use a new request_id for a new request."


class DiskFull(BullpenError):
    reason, kind = "DISK_FULL", "RESOURCE_EXHAUSTED"
    default_remedy = "Free space on the disk of the daemon's home, then retry; nothing was half written."


class QueueFull(BullpenError):
    reason, kind = "QUEUE_FULL", "RESOURCE_EXHAUSTED"
    default_remedy = "Wait for runs to finish, or cancel some, and try again."


class ContentLost(BullpenError):
    reason, kind = "CONTENT_LOST", "DATA_LOSS"
    default_remedy = "Run `bullpen doctor --deep` to see which files are affected."


class DatabaseUnavailable(BullpenError):
    reason, kind = "DATABASE_UNAVAILABLE", "UNAVAILABLE"
    default_remedy = "Run `bullpen doctor`."


class WatcherTooSlow(BullpenError):
    reason, kind = "WATCHER_TOO_SLOW", "RESOURCE_EXHAUSTED"
    default_remedy = "Watch again after the last revision that was received; nothing is lost."


class RevisionUnknown(BullpenError):
    reason, kind = "REVISION_UNKNOWN", "OUT_OF_RANGE"
    default_remedy = "List anew and watch after the revision of that list."


class ShuttingDown(BullpenError):
    reason, kind = "SHUTTING_DOWN", "UNAVAILABLE"
    default_remedy = "Start the daemon again; accepted work goes on."


class Internal(BullpenError):
    reason, kind = "INTERNAL", "INTERNAL"
    default_remedy = "Look for the incident in the daemon's log, and report it."


class SettingInvalid(BullpenError):
    reason, kind = "SETTING_INVALID", "INVALID_ARGUMENT"
    default_remedy = "Correct the setting; docs/settings.md lists all of them."


class HomeLocked(BullpenError):
    reason, kind = "HOME_LOCKED", "FAILED_PRECONDITION"
    default_remedy = "Use the daemon that runs, stop it with `bullpen daemon stop`, or give this one another --home."


class SchemaTooNew(BullpenError):
    reason, kind = "SCHEMA_TOO_NEW", "FAILED_PRECONDITION"
    default_remedy = "Start the newer version of Bullpen, or use another home."


class RunLogInvalid(BullpenError):
    reason, kind = "RUN_LOG_INVALID", "INVALID_ARGUMENT"
    default_remedy = "Give the run.json of a run, unchanged."


class LoraUnsupportedEngine(BullpenError):
    reason, kind = "LORA_UNSUPPORTED_ENGINE", "FAILED_PRECONDITION"
    default_remedy = "Choose an engine that takes LoRAs for this model, or leave the LoRA out."


class ModelNotConverted(BullpenError):
    reason, kind = "MODEL_NOT_CONVERTED", "FAILED_PRECONDITION"
    default_remedy = "Convert the model for this engine, or choose another engine."


class EtagMismatch(BullpenError):
    reason, kind = "ETAG_MISMATCH", "ABORTED"
    default_remedy = "Read the resource again and repeat the change."


class TemplateVariableUnknown(BullpenError):
    reason, kind = "TEMPLATE_VARIABLE_UNKNOWN", "INVALID_ARGUMENT"
    default_remedy = "Declare the variable, or correct its name."


class ReferenceSetEmpty(BullpenError):
    reason, kind = "REFERENCE_SET_EMPTY", "FAILED_PRECONDITION"
    default_remedy = "Give the reference set at least one picture, or name another one."


class CurrencyMismatch(BullpenError):
    reason, kind = "CURRENCY_MISMATCH", "INVALID_ARGUMENT"
    default_remedy = "Give both amounts in one currency; nothing is converted."


class PlanExpired(BullpenError):
    reason, kind = "PLAN_EXPIRED", "ABORTED"
    default_remedy = "Plan again, look at the cost, and confirm the new plan."


class SpendCapExceeded(BullpenError):
    reason, kind = "SPEND_CAP_EXCEEDED", "FAILED_PRECONDITION"
    default_remedy = "Ask for less, or raise the limit with `bullpen costs limit`."


class VaultLocked(BullpenError):
    reason, kind = "VAULT_LOCKED", "FAILED_PRECONDITION"
    default_remedy = "Put the vault's key back; `bullpen vault status` says which one is missing."


class InstructionStale(BullpenError):
    reason, kind = "INSTRUCTION_STALE", "ABORTED"
    default_remedy = "Look at the instruction again, and confirm what is shown now."


class ConfirmationExpired(BullpenError):
    reason, kind = "CONFIRMATION_EXPIRED", "FAILED_PRECONDITION"
    default_remedy = "Look at the instruction again, and confirm what is shown now."


class LanguageEngineFailed(BullpenError):
    reason, kind = "LANGUAGE_ENGINE_FAILED", "UNAVAILABLE"
    default_remedy = "See that the server of the language model answers, or use the built-in copilot."


class ProviderAccountMissing(BullpenError):
    reason, kind = "PROVIDER_ACCOUNT_MISSING", "FAILED_PRECONDITION"
    default_remedy = "Add an account: `bullpen providers add`, and its key: `bullpen vault set`."


class AddressNotAllowed(BullpenError):
    reason, kind = "ADDRESS_NOT_ALLOWED", "PERMISSION_DENIED"
    default_remedy = "Correct the account's address, or set remote.allow_private_addresses for a server of your own."


class ProviderUnavailable(BullpenError):
    reason, kind = "PROVIDER_UNAVAILABLE", "UNAVAILABLE"
    default_remedy = "Try again later; nothing was charged."


class ProviderRefused(BullpenError):
    reason, kind = "PROVIDER_REFUSED", "FAILED_PRECONDITION"
    default_remedy = "Correct what the provider names; nothing was charged."


class PaidOutcomeUnknown(BullpenError):
    reason, kind = "PAID_OUTCOME_UNKNOWN", "ABORTED"
    default_remedy = "Look it up at the provider, then say what became of it: `bullpen remote resolve`."


class RecipeInvalid(BullpenError):
    reason, kind = "RECIPE_INVALID", "INVALID_ARGUMENT"
    default_remedy = "Use the picture without its recipe, or give the file as the program wrote it."


class SearchInvalid(BullpenError):
    reason, kind = "SEARCH_INVALID", "INVALID_ARGUMENT"
    default_remedy = "Correct the search at the column that is named; docs/search.md has the language."


class AgentNotConfigured(BullpenError):
    reason, kind = "AGENT_NOT_CONFIGURED", "FAILED_PRECONDITION"
    default_remedy = "Set agent.url and agent.secret in daemon.toml; docs/agents.md says how."


class AgentUnavailable(BullpenError):
    reason, kind = "AGENT_UNAVAILABLE", "UNAVAILABLE"
    default_remedy = "See that the agent's server answers; the instruction is tried again."


class AgentRefused(BullpenError):
    reason, kind = "AGENT_REFUSED", "FAILED_PRECONDITION"
    default_remedy = "Read what the agent says, and propose the instruction again once that is mended."


class AgentOutcomeUnknown(BullpenError):
    reason, kind = "AGENT_OUTCOME_UNKNOWN", "ABORTED"
    default_remedy = "Ask the agent what became of it; propose it again only if nothing was done."


class CallbackRefused(BullpenError):
    reason, kind = "CALLBACK_REFUSED", "PERMISSION_DENIED"
    default_remedy = "Send the token of the instruction, signed with the key that both sides know; see docs/agents.md."


class CallbackReplayed(BullpenError):
    reason, kind = "CALLBACK_REPLAYED", "ALREADY_EXISTS"
    default_remedy = "Nothing is to be done: the first answer counts."


class CallbackExpired(BullpenError):
    reason, kind = "CALLBACK_EXPIRED", "FAILED_PRECONDITION"
    default_remedy = "Look at the instruction; it may have to be proposed again."


class StorageUnavailable(BullpenError):
    reason, kind = "STORAGE_UNAVAILABLE", "UNAVAILABLE"
    default_remedy = "See that the bucket answers and its keys are right; for S3 install the extra `s3`."


BY_REASON: dict[str, type[BullpenError]] = {c.reason: c for c in BullpenError.__subclasses__()}


def from_failure(reason: str, message: str, remedy: str = "", step: str = "") -> BullpenError:
    """Restores a worker's failure as an error; an unknown reason is an engine failure. `step` is post-process's."""
    known = {"step": step} if step else {}
    return BY_REASON.get(reason, EngineFailed)(message, remedy=remedy, **known)
