// A coordinator in Node: what it tells the database about its providers.
//
//     node coordinator.mjs NAME [CONNECTION_STRING] < events
//
// An event is a line, as the network layer of a real coordinator would say it:
//
//     connect PROVIDER
//     beat PROVIDER {"status": "serving", "cpu_usage": 0.71}
//     disconnect PROVIDER [REASON]
//
// At the end of the events, or on SIGTERM, the coordinator closes its sessions and leaves.
import { createRequire } from 'node:module';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';

// require, not import: it alone looks where Debian's node-pg is
const pg = createRequire(import.meta.url)('pg');

const INTERVAL = 1000; // ms from round to round
const LONGEST_PAUSE = 10_000; // ms between two tries to connect
const STOP_WITHIN = 30_000; // ms for the last things to say
const BATCH = 1000; // heartbeats in a statement
const MAX_BEATS = 100_000; // heartbeats that wait here while the database is away or its buffer is full

const [name, connectionString] = process.argv.slice(2);
const log = (...what) => console.error(...what);

const sessions = new Map(); // of who is connected, by provider
let ended = []; // sessions whose end is to be recorded
const beats = []; // heartbeats to be written
let deadline = null; // set when it is time to leave
const leaving = new AbortController(); // wakes us then

//--- What the providers do

const events = {
	connect(provider, at) {
		events.disconnect(provider, at, 'duplicate_serial');
		sessions.set(provider, { provider, connectedAt: at, id: null, lastBeatAt: null });
	},
	beat(provider, at, values = '{}') {
		const session = sessions.get(provider);
		if (!session || beats.length >= MAX_BEATS) return;
		beats.push({ ...JSON.parse(values), provider_id: provider, at });
		session.lastBeatAt = at;
	},
	disconnect(provider, at, reason = 'clean_close') {
		const session = sessions.get(provider);
		if (!session) return;
		sessions.delete(provider);
		ended.push(Object.assign(session, { endedAt: at, reason }));
	},
};

function take(line) {
	if (deadline) return;
	const [, verb, provider, rest] = line.match(/^(\w+) (\S+)(?: (.*))?$/) ?? [];
	try {
		events[verb](provider, new Date(), rest);
	} catch (error) {
		log(`what is ${JSON.stringify(line)}? ${error.message}`);
	}
}

function leave() {
	if (deadline) return;
	deadline = Date.now() + STOP_WITHIN;
	for (const provider of [...sessions.keys()]) events.disconnect(provider, new Date(), 'coordinator_restart');
	leaving.abort();
}

//--- What the database is told

// After each start, and whenever the connection was lost
async function begin(db) {
	// the reasons that we know, before those sessions count as orphans
	const known = ended.filter((session) => session.id);
	await close(db, known);
	ended = ended.filter((session) => !known.includes(session));
	const orphans = await db.query('SELECT liveness_close_orphans($1) AS closed', [name]);
	log(`connected; orphans: ${orphans.rows[0].closed}`);
	const now = new Date();
	const open = new Map(sessions);
	for (const session of open.values()) Object.assign(session, { id: null, connectedAt: now });
	const opened = await db.query('SELECT provider_id, session_id FROM liveness_open_sessions($1, $2, $3)', [[...open.keys()], name, now]);
	for (const row of opened.rows) open.get(row.provider_id).id = row.session_id;
}

// Events come in while we wait for the database, so each step works on what there was when it began.
async function round(db) {
	const closing = [...ended];
	// who came and went within a round first, so that nothing supersedes their sessions
	await open(db, closing.filter((session) => !session.id));
	await close(db, closing);
	ended = ended.slice(closing.length);
	await open(db, [...sessions.values()].filter((session) => !session.id));
	await sendBeats(db);
}

async function open(db, opening) {
	if (opening.length === 0) return;
	const { rows } = await db.query(
		'SELECT liveness_open_session(p, $1, at) AS id FROM unnest($2::text[], $3::timestamptz[]) AS t (p, at)',
		[name, opening.map((s) => s.provider), opening.map((s) => s.connectedAt)],
	);
	opening.forEach((session, i) => { session.id = rows[i].id; });
}

async function close(db, closing) {
	if (closing.length === 0) return;
	await db.query(
		`SELECT liveness_close_session(id, reason, at, beat_at)
		FROM unnest($1::bigint[], $2::text[], $3::timestamptz[], $4::timestamptz[]) AS t (id, reason, at, beat_at)`,
		['id', 'reason', 'endedAt', 'lastBeatAt'].map((column) => closing.map((session) => session[column])),
	);
}

async function sendBeats(db) {
	let size = BATCH;
	while (beats.length > 0) {
		const batch = beats.slice(0, size);
		let taken = 0;
		try {
			// as text: pg would make an array of PostgreSQL of an array
			const { rows } = await db.query('SELECT liveness_emit_batch($1) AS taken', [JSON.stringify(batch)]);
			taken = Number(rows[0].taken);
		} catch (error) {
			if (/^(22|54)/.test(error.code)) {
				// one of them is malformed, and none was taken: find it
				if (batch.length > 1) {
					size = batch.length >> 1;
					continue;
				}
				log(`refused: ${error.message}`);
				[taken, size] = [1, BATCH];
			} else if (error.code === '55000') {
				// the worker that empties the buffer is restarting
				log(error.message);
			} else {
				throw error;
			}
		}
		beats.splice(0, taken);
		if (taken < batch.length) {
			log(`buffer full; heartbeats that wait: ${beats.length}`);
			return;
		}
	}
}

//--- The life of a coordinator

// The server is away or starting, a deadlock, no memory: all of it passes.  Another error is a
// mistake of ours, which no second try mends.
function passes(error) {
	if (error instanceof pg.DatabaseError) return /^(08|40|53|55|57|58)/.test(error.code);
	return typeof error.code === 'string' || /connection/i.test(error.message);
}

const isDone = () => deadline !== null && ((ended.length === 0 && beats.length === 0) || Date.now() > deadline);
const wait = (ms) => sleep(ms, null, { signal: deadline ? undefined : leaving.signal }).catch(() => {});

async function run() {
	let pause = 0;
	while (!isDone()) {
		const db = new pg.Client({ connectionString, connectionTimeoutMillis: 5000, application_name: name });
		// the next statement will tell
		db.on('error', () => {});
		try {
			await db.connect();
			await begin(db);
			while (!isDone()) {
				await wait(INTERVAL);
				await round(db);
				pause = 0;
			}
		} catch (error) {
			if (!passes(error)) throw error;
			pause = Math.min(LONGEST_PAUSE, pause * 2 || 100);
			log(`again in ${pause / 1000} s: ${error.message || error.code}`);
			await wait(pause * (0.5 + Math.random() / 2));
		} finally {
			await db.end().catch(() => {});
		}
	}
	if (ended.length > 0 || beats.length > 0) {
		log(`lost: ${ended.length} ends, ${beats.length} heartbeats`);
		return 1;
	}
	log('all is written');
	return 0;
}

process.on('SIGTERM', leave).on('SIGINT', leave);
createInterface({ input: process.stdin }).on('line', take).on('close', leave);
process.exitCode = await run();
process.stdin.destroy();
