"""The bus: wakes watchers, and keeps the newest events in memory so that they need not be read again.

No watcher has a queue of its own. Each has a cursor into the shared ring; one that falls behind the ring reads the
journal instead, so a slow watcher costs no memory and delays nobody. Progress and previews are not events: of each
candidate only the latest value is kept. The latest of what runs now is also given to whoever comes later, since the
next step may be far away.
"""

from __future__ import annotations

import asyncio
from bisect import bisect_right
from collections import deque
from collections.abc import Callable, Iterable

from bullpen_api.v1 import event_pb2, queue_pb2

from bullpend.db import Event

RING = 4096


class Subscriber:
    """One watcher's wake-up, and the progress that it has not seen yet."""

    def __init__(self, progress: bool, previews: bool, queue: bool, inside: bool = False) -> None:
        self.wants_progress = progress
        self.wants_previews = previews
        self.wants_queue = queue
        self.inside = inside
        self._latest: dict[tuple[str, str], event_pb2.WatchResponse] = {}
        self._wake = asyncio.Event()

    def notify(self) -> None:
        """Something new is there."""
        self._wake.set()

    def put(self, key: tuple[str, str], item: event_pb2.WatchResponse) -> None:
        """Keeps the latest value of `key`; an older one that was not sent yet is dropped."""
        self._latest[key] = item
        self._wake.set()

    def take(self) -> list[event_pb2.WatchResponse]:
        """The latest values since the last call."""
        items, self._latest = list(self._latest.values()), {}
        return items

    async def wait(self, seconds: float) -> bool:
        """Waits until something is new; False after that many seconds without."""
        if not self._wake.is_set():
            try:
                async with asyncio.timeout(seconds):
                    await self._wake.wait()
            except TimeoutError:
                return False
        self._wake.clear()
        return True


class Bus:
    """Hands committed events and progress to every subscriber. Used on the event loop only."""

    def __init__(self, revision: int = 0) -> None:
        self.revision = revision
        self._ring: deque[Event] = deque(maxlen=RING)
        self._subscribers: set[Subscriber] = set()
        # What runs now, by device: a device makes one picture at a time.
        self._progress: dict[str, Callable[[], event_pb2.Progress]] = {}
        self._previews: dict[str, event_pb2.Preview] = {}
        # Called when somebody comes who wants to see the queue.
        self.on_queue_wanted: Callable[[], None] = lambda: None

    def __len__(self) -> int:
        return sum(not subscriber.inside for subscriber in self._subscribers)

    def subscribe(
        self, *, progress: bool = False, previews: bool = False, queue: bool = False, inside: bool = False
    ) -> Subscriber:
        """A new subscriber, which is told at once where things stand; give it back with `unsubscribe`. One that is
        `inside` is the daemon itself, and counts as nobody who watches.
        """
        subscriber = Subscriber(progress, previews, queue, inside)
        self._subscribers.add(subscriber)
        for make in self._progress.values() if progress else ():
            item = make()
            subscriber.put(("progress", item.candidate), event_pb2.WatchResponse(progress=item))
        for preview in self._previews.values() if previews else ():
            subscriber.put(("preview", preview.candidate), event_pb2.WatchResponse(preview=preview))
        if queue:
            self.on_queue_wanted()
        return subscriber

    def unsubscribe(self, subscriber: Subscriber) -> None:
        """Forgets a subscriber."""
        self._subscribers.discard(subscriber)

    def committed(self, events: Iterable[Event]) -> None:
        """Takes events in the order of their revisions, after their commit."""
        for event in events:
            self._ring.append(event)
            self.revision = event.revision
        self.wake_all()

    def wake_all(self) -> None:
        """Lets every subscriber look again."""
        for subscriber in self._subscribers:
            subscriber.notify()

    def recent(self, after: int, limit: int) -> list[Event] | None:
        """Events after a revision, or None when the ring does not reach back that far."""
        if after >= self.revision:
            return []
        if not self._ring or self._ring[0].revision > after + 1:
            return None
        start = bisect_right(self._ring, after, key=lambda event: event.revision)
        return [self._ring[i] for i in range(start, min(start + limit, len(self._ring)))]

    def progress(self, device: str, make: Callable[[], event_pb2.Progress]) -> None:
        """Offers progress of what the device makes. It is packed only for somebody who wants it, now or later."""
        self._progress[device] = make
        wanting = [subscriber for subscriber in self._subscribers if subscriber.wants_progress]
        if wanting:
            item = make()
            for subscriber in wanting:
                subscriber.put(("progress", item.candidate), event_pb2.WatchResponse(progress=item))

    def preview(self, device: str, item: event_pb2.Preview) -> None:
        """Offers a preview of a candidate that the device makes."""
        self._previews[device] = item
        for subscriber in self._subscribers:
            if subscriber.wants_previews:
                subscriber.put(("preview", item.candidate), event_pb2.WatchResponse(preview=item))

    @property
    def wants_queue(self) -> bool:
        """Whether somebody wants to see the queue."""
        return any(subscriber.wants_queue for subscriber in self._subscribers)

    def queue(self, item: queue_pb2.Queue) -> None:
        """Offers the queue as it is now."""
        for subscriber in self._subscribers:
            if subscriber.wants_queue:
                subscriber.put(("queue", ""), event_pb2.WatchResponse(queue=item))

    def idle(self, device: str) -> None:
        """The device makes nothing any more: what it said last is past."""
        self._progress.pop(device, None)
        self._previews.pop(device, None)
