"""Reading a list call to its end."""

from __future__ import annotations

from typing import Any

PAGE = 500


async def everything(method: Any, request: Any, field: str, *, limit: int = 0) -> tuple[list[Any], int]:
    """All items of a List method over all its pages, at most `limit` when it is not 0, and the revision of the
    first page: whoever watches after it misses nothing.
    """
    items: list[Any] = []
    revision: int | None = None
    request.page_size = min(limit, PAGE) if limit else PAGE
    while True:
        answer = await method(request)
        revision = answer.revision if revision is None else revision
        items.extend(getattr(answer, field))
        if not answer.next_page_token or (limit and len(items) >= limit):
            return (items[:limit] if limit else items), revision
        request.page_token = answer.next_page_token
