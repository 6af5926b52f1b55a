// A coordinator in Go: what it tells the database about its providers.
//
//	coordinator NAME [CONNECTION_STRING] < events
//
// An event is a line, as the network layer of a real coordinator would say it:
//
//	connect PROVIDER
//	beat PROVIDER {"status": "serving", "cpu_usage": 0.71}
//	disconnect PROVIDER [REASON]
//
// At the end of the events, or on SIGTERM, the coordinator closes its sessions and leaves.
package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log"
	"math/rand"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"github.com/jackc/pgconn"
	"github.com/jackc/pgconn/stmtcache"
	"github.com/jackc/pgx/v4"
)

const (
	interval     = time.Second      // from round to round
	longestPause = 10 * time.Second // between two tries to connect
	stopWithin   = 30 * time.Second // for the last things to say
	batchSize    = 1000             // heartbeats in a statement
	maxBeats     = 100000           // heartbeats that wait here while the database is away or its buffer is full
)

type session struct {
	provider    string
	id          int64 // 0 until the database knows of it
	connectedAt time.Time
	lastBeatAt  *time.Time
	endedAt     time.Time
	reason      string
}

type event struct {
	at   time.Time
	line string
}

type coordinator struct {
	name     string
	sessions map[string]*session // of who is connected, by provider
	ended    []*session          // sessions whose end is to be recorded
	beats    []map[string]any    // heartbeats to be written
	events   chan event          // closed at the end of the events
	stop     chan os.Signal
	deadline time.Time // set when it is time to leave
}

// What the providers do

func (c *coordinator) take(e event) error {
	words := strings.SplitN(e.line, " ", 3)
	if len(words) < 2 {
		return errors.New("a verb and a provider are needed")
	}
	provider, rest := words[1], append(words, "")[2]
	switch words[0] {
	case "connect":
		c.disconnect(provider, e.at, "duplicate_serial")
		c.sessions[provider] = &session{provider: provider, connectedAt: e.at}
	case "beat":
		s := c.sessions[provider]
		if s == nil || len(c.beats) >= maxBeats {
			return nil
		}
		beat := map[string]any{}
		if rest != "" {
			if err := json.Unmarshal([]byte(rest), &beat); err != nil {
				return err
			}
		}
		beat["provider_id"], beat["at"] = provider, e.at
		c.beats = append(c.beats, beat)
		s.lastBeatAt = &e.at
	case "disconnect":
		if rest == "" {
			rest = "clean_close"
		}
		c.disconnect(provider, e.at, rest)
	default:
		return errors.New("no such event")
	}
	return nil
}

func (c *coordinator) disconnect(provider string, at time.Time, reason string) {
	if s := c.sessions[provider]; s != nil {
		s.endedAt, s.reason = at, reason
		c.ended = append(c.ended, s)
		delete(c.sessions, provider)
	}
}

// Take events for so long, or until there will be no more.
func (c *coordinator) listen(d time.Duration) {
	if !c.deadline.IsZero() {
		time.Sleep(d)
	}
	timeout := time.After(d)
	for c.deadline.IsZero() {
		select {
		case e, ok := <-c.events:
			if !ok {
				c.leave()
			} else if err := c.take(e); err != nil {
				log.Printf("what is %q? %v", e.line, err)
			}
		case <-c.stop:
			c.leave()
		case <-timeout:
			return
		}
	}
}

func (c *coordinator) leave() {
	c.deadline = time.Now().Add(stopWithin)
	for provider := range c.sessions {
		c.disconnect(provider, time.Now(), "coordinator_restart")
	}
}

// What the database is told

// After each start, and whenever the connection was lost
func (c *coordinator) begin(ctx context.Context, db *pgx.Conn) error {
	// the reasons that we know, before those sessions count as orphans
	var known, unknown []*session
	for _, s := range c.ended {
		if s.id != 0 {
			known = append(known, s)
		} else {
			unknown = append(unknown, s)
		}
	}
	if err := c.close(ctx, db, known); err != nil {
		return err
	}
	c.ended = unknown
	var orphans int64
	if err := db.QueryRow(ctx, "SELECT liveness_close_orphans($1)", c.name).Scan(&orphans); err != nil {
		return err
	}
	log.Printf("connected; orphans: %d", orphans)
	now := time.Now()
	providers := make([]string, 0, len(c.sessions))
	for provider, s := range c.sessions {
		s.id, s.connectedAt = 0, now
		providers = append(providers, provider)
	}
	rows, err := db.Query(ctx, "SELECT provider_id, session_id FROM liveness_open_sessions($1, $2, $3)", providers, c.name, now)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var provider string
		var id int64
		if err := rows.Scan(&provider, &id); err != nil {
			return err
		}
		c.sessions[provider].id = id
	}
	return rows.Err()
}

func (c *coordinator) round(ctx context.Context, db *pgx.Conn) error {
	// who came and went within a round first, so that nothing supersedes their sessions
	if err := c.open(ctx, db, c.ended); err != nil {
		return err
	}
	if err := c.close(ctx, db, c.ended); err != nil {
		return err
	}
	c.ended = nil
	connected := make([]*session, 0, len(c.sessions))
	for _, s := range c.sessions {
		connected = append(connected, s)
	}
	if err := c.open(ctx, db, connected); err != nil {
		return err
	}
	return c.sendBeats(ctx, db)
}

// Those of the sessions that the database does not know
func (c *coordinator) open(ctx context.Context, db *pgx.Conn, sessions []*session) error {
	var opening []*session
	var providers []string
	var times []time.Time
	for _, s := range sessions {
		if s.id == 0 {
			opening, providers, times = append(opening, s), append(providers, s.provider), append(times, s.connectedAt)
		}
	}
	if len(opening) == 0 {
		return nil
	}
	rows, err := db.Query(ctx, "SELECT liveness_open_session(p, $1, at) FROM unnest($2::text[], $3::timestamptz[]) AS t (p, at)",
		c.name, providers, times)
	if err != nil {
		return err
	}
	defer rows.Close()
	for i := 0; rows.Next(); i++ {
		if err := rows.Scan(&opening[i].id); err != nil {
			return err
		}
	}
	return rows.Err()
}

func (c *coordinator) close(ctx context.Context, db *pgx.Conn, sessions []*session) error {
	var ids []int64
	var reasons []string
	var times []time.Time
	var beats []*time.Time
	for _, s := range sessions {
		ids, reasons = append(ids, s.id), append(reasons, s.reason)
		times, beats = append(times, s.endedAt), append(beats, s.lastBeatAt)
	}
	if len(ids) == 0 {
		return nil
	}
	_, err := db.Exec(ctx, `SELECT liveness_close_session(id, reason, at, beat_at)
		FROM unnest($1::bigint[], $2::text[], $3::timestamptz[], $4::timestamptz[]) AS t (id, reason, at, beat_at)`,
		ids, reasons, times, beats)
	return err
}

func (c *coordinator) sendBeats(ctx context.Context, db *pgx.Conn) error {
	size := batchSize
	for len(c.beats) > 0 {
		if size > len(c.beats) {
			size = len(c.beats)
		}
		batch, err := json.Marshal(c.beats[:size])
		if err != nil {
			return err
		}
		var taken int
		err = db.QueryRow(ctx, "SELECT liveness_emit_batch($1)", string(batch)).Scan(&taken)
		switch class := sqlstate(err); {
		case class == "22" || class == "54":
			// one of them is malformed, and none was taken: find it
			if size > 1 {
				size /= 2
				continue
			}
			log.Printf("refused: %v", err)
			taken = 1
		case class == "55":
			// the worker that empties the buffer is restarting
			log.Print(err)
		case err != nil:
			return err
		}
		c.beats = c.beats[taken:]
		if taken < size {
			log.Printf("buffer full; heartbeats that wait: %d", len(c.beats))
			return nil
		}
		if err != nil {
			size = batchSize
		}
	}
	return nil
}

// The class of an error of the server; empty for another
func sqlstate(err error) string {
	var pgErr *pgconn.PgError
	if errors.As(err, &pgErr) {
		return pgErr.Code[:2]
	}
	return ""
}

// The life of a coordinator

func (c *coordinator) isDone() bool {
	return !c.deadline.IsZero() && (len(c.ended) == 0 && len(c.beats) == 0 || time.Now().After(c.deadline))
}

// As long as the connection lasts
func (c *coordinator) serve(ctx context.Context, config *pgx.ConnConfig, succeeded func()) error {
	db, err := pgx.ConnectConfig(ctx, config)
	if err != nil {
		return err
	}
	defer db.Close(ctx)
	if err := c.begin(ctx, db); err != nil {
		return err
	}
	for !c.isDone() {
		c.listen(interval)
		if err := c.round(ctx, db); err != nil {
			return err
		}
		succeeded()
	}
	return nil
}

func (c *coordinator) run(ctx context.Context, config *pgx.ConnConfig) error {
	pause := time.Duration(0)
	for !c.isDone() {
		err := c.serve(ctx, config, func() { pause = 0 })
		if err == nil {
			break
		}
		// The server is away or starting, a deadlock, no memory: all of it passes.  Another
		// error is a mistake of ours, which no second try mends.
		if class := sqlstate(err); class != "" && !strings.Contains("08 40 53 55 57 58", class) {
			return err
		}
		if pause *= 2; pause == 0 {
			pause = 100 * time.Millisecond
		} else if pause > longestPause {
			pause = longestPause
		}
		log.Printf("again in %v: %v", pause, err)
		c.listen(pause/2 + time.Duration(rand.Int63n(int64(pause/2))))
	}
	if len(c.ended) > 0 || len(c.beats) > 0 {
		return fmt.Errorf("lost: %d ends, %d heartbeats", len(c.ended), len(c.beats))
	}
	log.Print("all is written")
	return nil
}

func main() {
	log.SetFlags(0)
	if len(os.Args) < 2 {
		log.Fatal("usage: coordinator NAME [CONNECTION_STRING] < events")
	}
	// what it leaves out, PGHOST, PGUSER and their kin say
	config, err := pgx.ParseConfig(strings.Join(os.Args[2:], " "))
	if err != nil {
		log.Fatal(err)
	}
	// PgBouncer loses prepared statements between transactions: keep their descriptions only
	config.BuildStatementCache = func(conn *pgconn.PgConn) stmtcache.Cache {
		return stmtcache.New(conn, stmtcache.ModeDescribe, 64)
	}
	config.ConnectTimeout = 5 * time.Second
	config.RuntimeParams["application_name"] = os.Args[1]

	c := &coordinator{name: os.Args[1], sessions: map[string]*session{}, events: make(chan event), stop: make(chan os.Signal, 1)}
	signal.Notify(c.stop, syscall.SIGTERM, os.Interrupt)
	go func() {
		lines := bufio.NewScanner(os.Stdin)
		lines.Buffer(nil, 1<<20)
		for lines.Scan() {
			c.events <- event{time.Now(), lines.Text()}
		}
		close(c.events)
	}()
	if err := c.run(context.Background(), config); err != nil {
		log.Fatal(err)
	}
}
