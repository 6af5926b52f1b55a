// What pg binds by itself, given to each function that a coordinator calls.  A line for each
// call: its name, and what came back.
import { createRequire } from 'node:module';

const pg = createRequire(import.meta.url)('pg');
const db = new pg.Client();
await db.connect();
const me = 'node';
const begun = new Date('2026-01-02T03:04:05.678Z');
const ended = new Date('2026-01-02T05:00:00+01:00');
const naive = '2026-01-02 03:04:05';
const machine = '6f9619ff-8b86-d011-b42d-00cf4fc964ff';
const document = { gpus: [1, 2] };

async function call(name, sql, args = [], shown = (value) => value) {
	try {
		const { rows: [row] } = await db.query(`SELECT ${sql} AS value`.replace(/( FROM .*) AS value$/, ' AS value$1'), args);
		console.log(name, shown(row.value));
		return row.value;
	} catch (error) {
		if (!error.code) throw error;
		console.log(name, 'error', error.code);
	}
}

// a bigint is a string
const isInteger = (value) => /^\d+$/.test(value);

const first = await call('open.position', 'liveness_open_session($1, $2, $3)', ['m-1', me, begun], isInteger);
const second = await call('open.name', 'liveness_open_session(coordinator_id => $1, provider_id => $2, connected_at => $3)', [me, 'm-2', begun], isInteger);
await call('open.again', 'liveness_open_session($1, $2, $3)', ['m-1', me, begun], (value) => value === first);
await call('opens.position', 'count(*) FROM liveness_open_sessions($1, $2, $3)', [['m-3', 'm-4'], me, begun]);
await call('opens.name', 'count(session_id) FROM liveness_open_sessions(provider_ids => $1, coordinator_id => $2)', [['m-5'], me]);
await call('opens.uuid', 'count(*) FROM liveness_open_sessions($1, $2)', [[machine], me]);
await call('opens.empty', 'count(*) FROM liveness_open_sessions($1, $2)', [[], me]);
await call('close.position', 'liveness_close_session($1, $2, $3, $4, $5, $6, $7)', [first, 'read_error', ended, begun, 7, 2n ** 40n, 'm-1']);
await call('close.name',
	'liveness_close_session(session_id => $1, reason => $2, at => $3, last_heartbeat_at => $4, requests_served => $5, tokens_generated => $6, provider_id => $7)',
	[second, 'clean_close', ended, null, undefined, 1, null]);
await call('close.again', 'liveness_close_session($1, $2)', [first, 'clean_close']);
await call('stale.position', 'liveness_close_stale($1, $2)', ['10 minutes', me]);
await call('stale.name', 'liveness_close_stale(coordinator_id => $1, timeout => $2)', [me, null]);
await call('orphans.position', 'liveness_close_orphans($1)', [me]);
await call('orphans.name', 'liveness_close_orphans(coordinator_id => $1, reason => $2)', [me, 'observer_outage']);

const everything = {
	provider_id: 'm-1', status: me, memory_pressure: 0.25, cpu_usage: 0.5, thermal_state: 'fair', memory_available_gb: 12.5,
	gpu_memory_active_gb: 1.5, gpu_memory_cache_gb: 0.75, backend_state: 'ready', active_model: 'position', capacity: document, at: begun,
};
const emit = (name, values) => {
	const given = { provider_id: 'm-1', status: me, active_model: name, ...values };
	return call(`emit.${name}`, `liveness_emit(${Object.keys(given).map((column, i) => `${column} => $${i + 1}`)})`, Object.values(given));
};
await call('emit.position', 'liveness_emit($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)', Object.values(everything));
await emit('name', { ...everything, active_model: 'name' });
await call('emit.nulls', 'liveness_emit($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)', ['nulls', me, ...Array(5).fill(null), ...Array(5).fill(undefined)]);
await emit('numbers', { memory_pressure: '0.25', cpu_usage: 1, memory_available_gb: 2n ** 40n, gpu_memory_active_gb: NaN });
await emit('naive', { at: naive });
await emit('json', { capacity: '{"gpus": [1, 2]}' });
await emit('uuid', { provider_id: machine });
const batch = ['batch1', 'batch2'].map((name) => ({ provider_id: 'm-1', status: me, active_model: name, cpu_usage: 0.5, at: begun, capacity: document }));
await call('batch.position', 'liveness_emit_batch($1)', [JSON.stringify(batch)]);
await call('batch.name', 'liveness_emit_batch(heartbeats => $1)', [JSON.stringify([{ ...batch[0], active_model: 'batch3' }])]);
await call('batch.array_bound', 'liveness_emit_batch($1)', [batch]);
await call('flush', 'liveness_flush()', [], isInteger);
await call('candidates.position', 'count(*) FROM liveness_candidates($1, $2, $3)', ['6 hours', 0.5, 10]);
await call('candidates.name', 'count(*) FROM liveness_candidates(job => $1, min_probability => $2, max_rows => $3)', ['6 hours', 0, 10]);
await db.end();
