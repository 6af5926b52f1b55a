// What pgx binds by itself, given to each function that a coordinator calls.  A line for each
// call: its name, and what came back.
package main

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"log"
	"math"
	"strings"
	"time"

	"github.com/gofrs/uuid"
	"github.com/jackc/pgconn"
	"github.com/jackc/pgtype"
	"github.com/jackc/pgx/v4"
)

const me = "go"

var db *pgx.Conn

func call(name, query string, args ...any) any {
	var value any
	err := db.QueryRow(context.Background(), "SELECT "+query, args...).Scan(&value)
	var pgErr *pgconn.PgError
	switch {
	case errors.As(err, &pgErr):
		fmt.Println(name, "error", pgErr.Code)
	case err != nil:
		fmt.Println(name, "error of the driver")
	default:
		fmt.Println(name, value)
	}
	return value
}

// The value itself differs from run to run
func integer(name, query string, args ...any) int64 {
	var value int64
	if err := db.QueryRow(context.Background(), "SELECT "+query, args...).Scan(&value); err != nil {
		log.Fatalf("%s: %v", name, err)
	}
	fmt.Println(name, true)
	return value
}

// The arguments of liveness_emit by name, with those that each call here has
func emit(name string, columns string, args ...any) {
	query := "liveness_emit(active_model => $1, status => $2"
	for i, column := range strings.Fields(columns) {
		query += fmt.Sprintf(", %s => $%d", column, i+3)
	}
	call("emit."+name, query+")", append([]any{name, me}, args...)...)
}

func main() {
	ctx := context.Background()
	var err error
	if db, err = pgx.Connect(ctx, ""); err != nil {
		log.Fatal(err)
	}
	defer db.Close(ctx)
	begun := time.Date(2026, 1, 2, 3, 4, 5, 678000000, time.UTC)
	ended := time.Date(2026, 1, 2, 5, 0, 0, 0, time.FixedZone("", 3600))
	machine := uuid.Must(uuid.FromString("6f9619ff-8b86-d011-b42d-00cf4fc964ff"))
	document := map[string]any{"gpus": []int{1, 2}}
	var none *time.Time

	first := integer("open.position", "liveness_open_session($1, $2, $3)", "m-1", me, begun)
	second := integer("open.name", "liveness_open_session(coordinator_id => $1, provider_id => $2, connected_at => $3)", me, "m-2", &begun)
	call("open.again", "liveness_open_session($1, $2, $3) = $4", "m-1", me, begun, first)
	call("opens.position", "count(*) FROM liveness_open_sessions($1, $2, $3)", []string{"m-3", "m-4"}, me, begun)
	call("opens.name", "count(session_id) FROM liveness_open_sessions(provider_ids => $1, coordinator_id => $2)", []string{"m-5"}, me)
	call("opens.uuid", "count(*) FROM liveness_open_sessions($1, $2)", []string{machine.String()}, me)
	call("opens.empty", "count(*) FROM liveness_open_sessions($1, $2)", []string{}, me)
	call("close.position", "liveness_close_session($1, $2, $3, $4, $5, $6, $7)", first, "read_error", ended, begun, 7, int64(1)<<40, "m-1")
	call("close.name", "liveness_close_session(session_id => $1, reason => $2, at => $3, last_heartbeat_at => $4, requests_served => $5, tokens_generated => $6, provider_id => $7)",
		second, "clean_close", ended, none, nil, sql.NullInt64{Int64: 1, Valid: true}, sql.NullString{})
	call("close.again", "liveness_close_session($1, $2)", first, "clean_close")
	call("stale.position", "liveness_close_stale($1, $2)", 10*time.Minute, me)
	call("stale.name", "liveness_close_stale(coordinator_id => $1, timeout => $2)", me, nil)
	call("orphans.position", "liveness_close_orphans($1)", me)
	call("orphans.name", "liveness_close_orphans(coordinator_id => $1, reason => $2)", me, "observer_outage")

	all := []any{"m-1", me, 0.25, float32(0.5), "fair", sql.NullFloat64{Float64: 12.5, Valid: true}, 1.5, 0.75, "ready", "position", document, begun}
	call("emit.position", "liveness_emit($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)", all...)
	emit("name", "provider_id memory_pressure cpu_usage thermal_state memory_available_gb gpu_memory_active_gb gpu_memory_cache_gb backend_state capacity at",
		append(append([]any{"m-1"}, all[2:9]...), all[10:]...)...)
	call("emit.nulls", "liveness_emit($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)", "nulls", me, nil, (*float64)(nil), nil, sql.NullFloat64{}, nil, nil, nil, sql.NullString{}, nil, none)
	emit("numbers", "provider_id memory_pressure cpu_usage memory_available_gb gpu_memory_active_gb", "m-1", "0.25", 1, int64(1)<<40, math.NaN())
	emit("naive", "provider_id at", "m-1", "2026-01-02 03:04:05")
	emit("json", "provider_id capacity", "m-1", `{"gpus": [1, 2]}`)
	emit("uuid", "provider_id", machine)
	call("emit.uuid_cast", "liveness_emit($1::uuid::text, $2, active_model => $3)", pgtype.UUID{Bytes: machine, Status: pgtype.Present}, me, "uuid_cast")
	emit("uuid_bound", "provider_id", pgtype.UUID{Bytes: machine, Status: pgtype.Present})
	emit("bytes_bound", "provider_id", [16]byte(machine))

	batch := func(names ...string) (beats []map[string]any) {
		for _, name := range names {
			beats = append(beats, map[string]any{"provider_id": "m-1", "status": me, "active_model": name, "cpu_usage": 0.5, "at": begun, "capacity": document})
		}
		return beats
	}
	text, _ := json.Marshal(batch("batch1", "batch2"))
	call("batch.position", "liveness_emit_batch($1)", text)
	call("batch.name", "liveness_emit_batch(heartbeats => $1)", batch("batch3"))
	text, _ = json.Marshal(batch("batch4"))
	call("batch.text", "liveness_emit_batch($1)", string(text))
	integer("flush", "liveness_flush()")
	call("candidates.position", "count(*) FROM liveness_candidates($1, $2, $3)", 6*time.Hour, 0.5, 10)
	call("candidates.name", "count(*) FROM liveness_candidates(job => $1, min_probability => $2, max_rows => $3)", 6*time.Hour, 0.5, 10)
}
