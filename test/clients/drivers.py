# What psycopg binds by itself, given to each function that a coordinator calls.  A line for each
# call: its name, and what came back.
import uuid
from datetime import datetime, timedelta, timezone
from decimal import Decimal

import psycopg
from psycopg.types.json import Json, Jsonb

db = psycopg.connect(autocommit=True)
me = "python"
begun = datetime(2026, 1, 2, 3, 4, 5, 678000, timezone.utc)
ended = datetime(2026, 1, 2, 5, 0, 0, tzinfo=timezone(timedelta(hours=1)))
naive = datetime(2026, 1, 2, 3, 4, 5)
machine = uuid.UUID("6f9619ff-8b86-d011-b42d-00cf4fc964ff")
document = {"gpus": [1, 2]}


def call(name, sql, *args, shown=lambda row: row[0]):
    try:
        rows = db.execute("SELECT " + sql, args).fetchall()
        print(name, *([shown(rows[0])] if rows else []))
        return rows[0][0] if rows else None
    except psycopg.Error as error:
        print(name, "error", error.sqlstate)


def is_integer(row):
    return isinstance(row[0], int)


first = call("open.position", "liveness_open_session(%s, %s, %s)", "m-1", me, begun, shown=is_integer)
second = call("open.name", "liveness_open_session(coordinator_id => %s, provider_id => %s, connected_at => %s)", me, "m-2", begun, shown=is_integer)
call("open.again", "liveness_open_session(%s, %s, %s)", "m-1", me, begun, shown=lambda row: row[0] == first)
call("opens.position", "count(*) FROM liveness_open_sessions(%s, %s, %s)", ["m-3", "m-4"], me, begun)
call("opens.name", "count(session_id) FROM liveness_open_sessions(provider_ids => %s, coordinator_id => %s)", ["m-5"], me)
call("opens.uuid", "count(*) FROM liveness_open_sessions(%s::text[], %s)", [machine], me)
call("opens.empty", "count(*) FROM liveness_open_sessions(%s, %s)", [], me)
call("close.position", "liveness_close_session(%s, %s, %s, %s, %s, %s, %s)", first, "read_error", ended, begun, 7, 2**40, "m-1")
call(
    "close.name",
    "liveness_close_session(session_id => %s, reason => %s, at => %s, last_heartbeat_at => %s, requests_served => %s, tokens_generated => %s, provider_id => %s)",
    second, "clean_close", ended, None, None, 1, None,
)
call("close.again", "liveness_close_session(%s, %s)", first, "clean_close")
call("stale.position", "liveness_close_stale(%s, %s)", timedelta(minutes=10), me)
call("stale.name", "liveness_close_stale(coordinator_id => %s, timeout => %s)", me, None)
call("orphans.position", "liveness_close_orphans(%s)", me)
call("orphans.name", "liveness_close_orphans(coordinator_id => %s, reason => %s)", me, "observer_outage")

everything = ["m-1", me, 0.25, 0.5, "fair", 12.5, 1.5, 0.75, "ready", "position", Jsonb(document), begun]
call("emit.position", "liveness_emit(%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)", *everything)
names = "provider_id status memory_pressure cpu_usage thermal_state memory_available_gb gpu_memory_active_gb gpu_memory_cache_gb backend_state active_model capacity at"
by_name = dict(zip(names.split(), everything))


def emit(name, **values):
    values = {"provider_id": "m-1", "status": me, "active_model": name, **values}
    return call(f"emit.{name}", "liveness_emit(" + ", ".join(f"{column} => %s" for column in values) + ")", *values.values())


emit("name", **{**by_name, "active_model": "name"})
call("emit.nulls", "liveness_emit(%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)", "nulls", me, *[None] * 10)
emit("numbers", memory_pressure=Decimal("0.25"), cpu_usage=1, memory_available_gb=2**40, gpu_memory_active_gb=float("nan"))
emit("naive", at=naive)
emit("json", capacity='{"gpus": [1, 2]}')
emit("uuid", provider_id=str(machine))
call("emit.uuid_cast", "liveness_emit(%s::text, %s, active_model => %s)", machine, me, "uuid_cast")
emit("uuid_bound", provider_id=machine)
emit("json_bound", capacity=Json(document))
batch = [{"provider_id": "m-1", "status": me, "active_model": name, "cpu_usage": 0.5, "at": begun.isoformat(), "capacity": document} for name in ("batch1", "batch2")]
call("batch.position", "liveness_emit_batch(%s)", Jsonb(batch))
call("batch.name", "liveness_emit_batch(heartbeats => %s)", Jsonb([{**batch[0], "active_model": "batch3"}]))
call("batch.json_cast", "liveness_emit_batch(%s::jsonb)", Json([{**batch[0], "active_model": "batch4"}]))
call("batch.json_bound", "liveness_emit_batch(%s)", Json(batch))
call("flush", "liveness_flush()", shown=is_integer)
call("candidates.position", "count(*) FROM liveness_candidates(%s, %s, %s)", timedelta(hours=6), 0.5, 10)
call("candidates.name", "count(*) FROM liveness_candidates(job => %s, min_probability => %s, max_rows => %s)", timedelta(hours=6), 0, 10)
