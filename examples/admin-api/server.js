// The admin API: each endpoint is one statement of sql/, which makes the JSON and
// checks the arguments.  What is here: HTTP, the token, the pool, SQLSTATE -> status.
import { createHash, timingSafeEqual } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { createRequire } from 'node:module';

// require, not import: it alone looks where Debian's node-pg is
const pg = createRequire(import.meta.url)('pg');

const env = process.env;
if (!env.LIVENESS_API_TOKEN) fail('LIVENESS_API_TOKEN is not set');
const digest = (text) => createHash('sha256').update(text).digest();
const token = digest(env.LIVENESS_API_TOKEN);
const schema = env.LIVENESS_SCHEMA || 'public';
const timeout = whole('LIVENESS_API_TIMEOUT_MS', 5000, 1, 600_000);

const provider = '/providers/([^/]*)';
const endpoints = [
	endpoint('liveness', `${provider}/liveness`),
	endpoint('sessions', `${provider}/sessions`, 'before', 'limit'),
	endpoint('heartbeats', `${provider}/heartbeats`, 'since', 'until', 'limit'),
	endpoint('heartbeats_hourly', `${provider}/heartbeats/hourly`, 'since', 'until', 'limit'),
	endpoint('reliability', '/reliability',
		'min_uptime', 'min_stays_4h', 'min_stays_8h', 'min_score', 'max_score', 'limit'),
	endpoint('availability', '/network/availability'),
	endpoint('candidates', '/candidates', 'job', 'min_probability', 'limit'),
	endpoint('probability', `${provider}/probability`, 'job'),
	endpoint('remaining', `${provider}/remaining`, 'probability'),
	endpoint('checkpoint', `${provider}/checkpoint`, 'work', 'checkpoint_cost', 'restart_cost'),
	endpoint('replicas', '/replicas', 'job', 'target', 'max_replicas', 'exclude'),
	endpoint('place', '/place', 'jobs', 'job', 'target', 'exclude'),
	endpoint('at_risk', '/at-risk', 'within', 'probability'),
];

// Where the database is, and who we are, say PGHOST, PGUSER and their kin.
const settings = {
	search_path: `"${schema.replaceAll('"', '""')}", pg_temp`,
	default_transaction_read_only: 'on',
	statement_timeout: timeout,
	TimeZone: 'UTC',
	DateStyle: 'ISO, MDY',
	IntervalStyle: 'postgres',
	extra_float_digits: 1,
	jit: 'off', // it would take longer than any of the statements
};
const pool = new pg.Pool({
	max: whole('LIVENESS_API_POOL', 5, 1, 1000),
	connectionTimeoutMillis: timeout, // also the wait for a connection that is free
	idleTimeoutMillis: 30_000,
	query_timeout: timeout + 2000, // should the server be gone without a word
	keepAlive: true,
	application_name: 'liveness-admin-api',
	options: Object.entries(settings)
		.map(([name, value]) => `-c ${name}=${String(value).replace(/[\\\s]/g, '\\$&')}`).join(' '),
});
pool.on('error', (error) => console.error(`idle connection: ${error.message}`)); // the pool makes a new one

class HttpError extends Error {
	constructor(status, message, rest = {}) {
		super(message);
		Object.assign(this, { status, body: { error: message, ...rest.body }, headers: rest.headers });
	}
}

const server = createServer({ headersTimeout: 10_000, requestTimeout: 15_000 }, async (request, response) => {
	const started = performance.now();
	underway++;
	response.on('close', () => {
		underway--;
		leave();
	});
	let status = 200, body, headers = {};
	try {
		body = await answer(request);
	} catch (error) {
		const known = error instanceof HttpError ? error : translate(error);
		({ status, headers } = known);
		body = JSON.stringify(known.body);
	}
	const bytes = Buffer.from(`${body}\n`);
	response.writeHead(status, {
		'content-type': 'application/json',
		'content-length': bytes.length,
		'cache-control': 'no-store',
		'x-content-type-options': 'nosniff',
		...(stopping && { connection: 'close' }),
		...headers,
	});
	response.end(request.method === 'HEAD' ? undefined : bytes);
	// without the query: people put secrets there
	console.log(`${request.method} ${request.url.split('?', 1)[0].slice(0, 200)} ${status} ${Math.round(performance.now() - started)} ms`);
});
server.maxConnections = 256;

async function answer(request) {
	if (request.url.length > 2048) throw new HttpError(414, 'the URL is longer than 2048 bytes');
	const [path, query = ''] = request.url.split(/\?(.*)/s, 2);
	const reads = request.method === 'GET' || request.method === 'HEAD';
	if (path === '/healthz' && reads) return health();
	if (!authorized(request.headers.authorization)) {
		throw new HttpError(401, 'a valid bearer token is needed', { headers: { 'www-authenticate': 'Bearer' } });
	}
	const found = endpoints.find(({ pattern }) => pattern.test(path));
	if (!found && path !== '/healthz') throw new HttpError(404, 'no such path');
	if (!reads) throw new HttpError(405, 'only GET and HEAD', { headers: { allow: 'GET, HEAD' } });

	const { rows } = await pool.query(found.sql, [...found.pattern.exec(path).slice(1).map(decoded), ...parameters(found, query)]);
	if (rows.length === 0) throw new HttpError(404, 'no such provider');
	return rows[0].json; // as PostgreSQL wrote it: no number passes through a JavaScript one
}

// What is missing is NULL; what is there is text, for PostgreSQL to make sense of.
function parameters({ names }, query) {
	const given = new URLSearchParams(query);
	for (const name of new Set(given.keys())) {
		if (!names.includes(name)) {
			throw new HttpError(400, `there is no parameter ${JSON.stringify(name)}`, { body: { hint: `Parameters: ${names.join(', ') || 'none'}.` } });
		}
		if (given.getAll(name).length > 1) throw new HttpError(400, `${name} is given twice`);
	}
	return names.map((name) => given.get(name));
}

function decoded(text) {
	try {
		return decodeURIComponent(text);
	} catch {
		throw new HttpError(400, 'the path is not UTF-8, percent-encoded');
	}
}

function authorized(header = '') {
	const [, given] = /^bearer +(\S+) *$/i.exec(header) ?? [];
	return given !== undefined && timingSafeEqual(digest(given), token);
}

// Those who ask at the same time share an answer: no token is needed here.
let check;
async function health() {
	check ??= pool.query('SELECT FROM provider_liveness LIMIT 0').finally(() => { check = undefined; });
	try {
		await check;
		return '{"status":"up"}';
	} catch (error) {
		console.error(`healthz: ${error.message}`);
		throw Object.assign(new HttpError(503, 'down'), { body: { status: 'down' } });
	}
}

// An error of the database (only that has a severity), or of getting at it
function translate(error) {
	const code = error.severity ? error.code : '';
	const said = { body: { code, hint: error.hint } };
	if (code === '57014' || error.message === 'Query read timeout') {
		return new HttpError(504, 'the database took too long', { body: { code } });
	}
	if (code.startsWith('22')) return new HttpError(400, error.message, said);
	if (code === '42501') return new HttpError(403, error.message, said);
	if (code === '55000') return new HttpError(503, error.message, said);
	console.error(`${code || error.code || 'error'}: ${error.message}`);
	// not there, shutting down, too many connections, locked, a standby's conflict
	if (!code || /^(08|28|3D|40|53|55|57)/.test(code)) {
		return new HttpError(503, 'the database is not available', { headers: { 'retry-after': '5' } });
	}
	return new HttpError(500, 'internal error');
}

function endpoint(name, path, ...names) {
	const sql = readFileSync(new URL(`sql/${name}.sql`, import.meta.url), 'utf8');
	return { pattern: new RegExp(`^${path}$`), names, sql };
}

function whole(name, otherwise, least, most) {
	const value = env[name] ? Number(env[name]) : otherwise;
	if (!Number.isInteger(value) || value < least || value > most) fail(`${name} must be a whole number from ${least} to ${most}`);
	return value;
}

function fail(message) {
	console.error(message);
	process.exit(1);
}

// No new connections; what is under way is answered, within 2 * timeout + 2 s.  Others go
// unheard: one that has never sent a request is not idle to Node, and would keep us.
let underway = 0;
let stopping = false;
function stop() {
	stopping = true;
	setTimeout(() => process.exit(1), 2 * timeout + 5000).unref();
	server.close(() => pool.end().then(() => process.exit(0)));
	leave();
}
function leave() {
	if (stopping && underway === 0) server.closeAllConnections();
}
process.once('SIGTERM', stop).once('SIGINT', stop);

server.on('error', (error) => fail(error.message));
server.listen(whole('PORT', 8080, 0, 65_535), env.HOST || '127.0.0.1', () => {
	console.log(`listening on ${server.address().address}:${server.address().port}`);
});
