"""What is told of exports to the screen that asked."""

from __future__ import annotations

from bullpen_api.v1 import export_pb2 as pb
from bullpen_client.errors import BullpenError
from textual.message import Message


class ExportLooked(Message):
    """The daemon said what an export would hold."""

    def __init__(self, export: pb.Export) -> None:
        super().__init__()
        self.export = export


class ExportRefused(Message):
    """An export cannot be made as it was asked for; `begun` says whether it was to be begun, or only looked at."""

    def __init__(self, error: BullpenError, begun: bool) -> None:
        super().__init__()
        self.error = error
        self.begun = begun


class ExportBegun(Message):
    """An export waits or is being made."""

    def __init__(self, export: pb.Export) -> None:
        super().__init__()
        self.export = export


class ExportStopped(Message):
    """An export was stopped."""

    def __init__(self, export: pb.Export) -> None:
        super().__init__()
        self.export = export


class ExportChecked(Message):
    """The file of an export was read again; `asked` says that a person waits for the answer."""

    def __init__(self, name: str, answer: pb.CheckExportResponse, asked: bool) -> None:
        super().__init__()
        self.name = name
        self.answer = answer
        self.asked = asked


class ExportUnchecked(Message):
    """The file of an export could not be read."""

    def __init__(self, name: str, error: BullpenError, asked: bool) -> None:
        super().__init__()
        self.name = name
        self.error = error
        self.asked = asked


class ExportForgotten(Message):
    """An export is not listed any more."""

    def __init__(self, name: str, file_deleted: bool) -> None:
        super().__init__()
        self.name = name
        self.file_deleted = file_deleted
