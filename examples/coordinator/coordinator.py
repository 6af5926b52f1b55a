#!/usr/bin/python3
"""A coordinator in Python: what it tells the database about its providers.

    coordinator.py NAME [CONNINFO] < events

An event is a line, as the network layer of a real coordinator would say it:

    connect PROVIDER
    beat PROVIDER {"status": "serving", "cpu_usage": 0.71}
    disconnect PROVIDER [REASON]

At the end of the events, or on SIGTERM, the coordinator closes its sessions and leaves.
"""
import json
import logging
import queue
import random
import signal
import sys
import threading
import time
from collections import deque
from dataclasses import dataclass
from datetime import datetime, timezone
from itertools import islice

import psycopg
from psycopg.errors import DataError, ObjectNotInPrerequisiteState, OperationalError, ProgramLimitExceeded
from psycopg.types.json import Jsonb

INTERVAL = 1.0  # seconds from round to round
LONGEST_PAUSE = 10.0  # seconds between two tries to connect
STOP_WITHIN = 30.0  # seconds for the last things to say
BATCH = 1000  # heartbeats in a statement
MAX_BEATS = 100_000  # heartbeats that wait here while the database is away or its buffer is full

log = logging.getLogger("coordinator")


@dataclass
class Session:
    provider_id: str
    connected_at: datetime
    id: int | None = None  # None until the database knows of it
    last_beat_at: datetime | None = None
    ended_at: datetime | None = None
    reason: str = ""


class Coordinator:
    def __init__(self, name, conninfo):
        self.name = name
        self.conninfo = conninfo
        self.sessions = {}  # of who is connected, by provider
        self.ended = []  # sessions whose end is to be recorded
        self.beats = deque()  # heartbeats to be written
        self.events = queue.SimpleQueue()
        self.deadline = None  # set when it is time to leave

    # What the providers do

    def connect(self, provider_id, at):
        self.disconnect(provider_id, at, "duplicate_serial")
        self.sessions[provider_id] = Session(provider_id, at)

    def beat(self, provider_id, at, values="{}"):
        session = self.sessions.get(provider_id)
        if session and len(self.beats) < MAX_BEATS:
            self.beats.append({**json.loads(values), "provider_id": provider_id, "at": at.isoformat()})
            session.last_beat_at = at

    def disconnect(self, provider_id, at, reason="clean_close"):
        session = self.sessions.pop(provider_id, None)
        if session:
            session.ended_at, session.reason = at, reason
            self.ended.append(session)

    def listen(self, seconds):
        """Take events for so long, or until there will be no more."""
        if self.deadline is not None:
            time.sleep(seconds)
            return
        until = time.monotonic() + seconds
        while (left := until - time.monotonic()) > 0:
            try:
                event = self.events.get(timeout=left)
            except queue.Empty:
                return
            if event is None:
                self.leave()
                return
            at, line = event
            try:
                verb, *words = line.split(maxsplit=2)
                {"connect": self.connect, "beat": self.beat, "disconnect": self.disconnect}[verb](words[0], at, *words[1:])
            except (ValueError, LookupError, TypeError) as error:
                log.warning("what is %r? %s", line, error)

    def leave(self):
        self.deadline = time.monotonic() + STOP_WITHIN
        for provider_id in list(self.sessions):
            self.disconnect(provider_id, datetime.now(timezone.utc), "coordinator_restart")

    # What the database is told

    def begin(self, db):
        """After each start, and whenever the connection was lost."""
        # the reasons that we know, before those sessions count as orphans
        self.close([session for session in self.ended if session.id], db)
        self.ended = [session for session in self.ended if not session.id]
        [orphans] = db.execute("SELECT liveness_close_orphans(%s)", [self.name]).fetchone()
        log.info("connected; orphans: %d", orphans)
        now = datetime.now(timezone.utc)
        for session in self.sessions.values():
            session.id, session.connected_at = None, now
        for provider_id, session_id in db.execute(
            "SELECT provider_id, session_id FROM liveness_open_sessions(%s, %s, %s)",
            [list(self.sessions), self.name, now],
        ):
            self.sessions[provider_id].id = session_id

    def round(self, db):
        # who came and went within a round first, so that nothing supersedes their sessions
        self.open([session for session in self.ended if not session.id], db)
        self.close(self.ended, db)
        self.ended = []
        self.open([session for session in self.sessions.values() if not session.id], db)
        self.send_beats(db)

    def open(self, sessions, db):
        if sessions:
            ids = db.execute(
                "SELECT liveness_open_session(p, %s, at) FROM unnest(%s::text[], %s::timestamptz[]) AS t (p, at)",
                [self.name, [s.provider_id for s in sessions], [s.connected_at for s in sessions]],
            )
            for session, [session_id] in zip(sessions, ids):
                session.id = session_id

    def close(self, sessions, db):
        if sessions:
            db.execute(
                "SELECT liveness_close_session(id, reason, at, beat_at)"
                " FROM unnest(%s::bigint[], %s::text[], %s::timestamptz[], %s::timestamptz[]) AS t (id, reason, at, beat_at)",
                [list(column) for column in zip(*((s.id, s.reason, s.ended_at, s.last_beat_at) for s in sessions))],
            )

    def send_beats(self, db):
        size = BATCH
        while self.beats:
            batch = list(islice(self.beats, size))
            try:
                [taken] = db.execute("SELECT liveness_emit_batch(%s)", [Jsonb(batch)]).fetchone()
            except (DataError, ProgramLimitExceeded) as error:
                # one of them is malformed, and none was taken: find it
                if len(batch) > 1:
                    size = len(batch) // 2
                    continue
                log.warning("refused: %s", error)
                taken, size = 1, BATCH
            except ObjectNotInPrerequisiteState as error:
                # the worker that empties the buffer is restarting
                log.warning("%s", error)
                taken = 0
            for _ in range(taken):
                self.beats.popleft()
            if taken < len(batch):
                log.warning("buffer full; heartbeats that wait: %d", len(self.beats))
                return

    # The life of a coordinator

    def is_done(self):
        if self.deadline is None:
            return False
        return not (self.ended or self.beats) or time.monotonic() > self.deadline

    def run(self):
        pause = 0
        while not self.is_done():
            try:
                # prepared statements are of no use here, and PgBouncer loses them between transactions
                with psycopg.connect(
                    self.conninfo, autocommit=True, prepare_threshold=None, connect_timeout=5, application_name=self.name
                ) as db:
                    self.begin(db)
                    while not self.is_done():
                        self.listen(INTERVAL)
                        self.round(db)
                        pause = 0
            except OperationalError as error:
                # The server is away or starting, a deadlock, no memory: all of it passes.  Another
                # error is a mistake of ours, which no second try mends.
                pause = min(LONGEST_PAUSE, pause * 2 or 0.1)
                log.warning("again in %.1f s: %s", pause, error)
                self.listen(pause * random.uniform(0.5, 1))
        if self.ended or self.beats:
            log.error("lost: %d ends, %d heartbeats", len(self.ended), len(self.beats))
            return 1
        log.info("all is written")
        return 0

    def read(self, lines):
        for line in lines:
            self.events.put((datetime.now(timezone.utc), line.strip()))
        self.events.put(None)


def main():
    logging.basicConfig(format="%(message)s", level=logging.INFO)
    coordinator = Coordinator(sys.argv[1], sys.argv[2] if len(sys.argv) > 2 else "")
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: coordinator.events.put(None))
    threading.Thread(target=coordinator.read, args=[sys.stdin], daemon=True).start()
    sys.exit(coordinator.run())


if __name__ == "__main__":
    main()
