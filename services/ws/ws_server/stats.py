"""Counts what happened, for ``/metrics``; plain numbers, because every message passes here."""

from collections import Counter
from dataclasses import dataclass, field


@dataclass(slots=True)
class Stats:
    """Everything since the start; sizes are bytes, times seconds."""

    connections: int = 0
    commands: int = 0
    received_bytes: int = 0
    messages: int = 0
    sent_bytes: int = 0
    publications: int = 0
    broadcast_seconds: float = 0.0
    broadcasts: int = 0
    gaps: int = 0
    errors: Counter[int] = field(default_factory=Counter)
    disconnects: Counter[int] = field(default_factory=Counter)
    unsubscribes: Counter[int] = field(default_factory=Counter)
    recoveries: Counter[str] = field(default_factory=Counter)
    dropped: Counter[str] = field(default_factory=Counter)
    refused: Counter[int] = field(default_factory=Counter)
