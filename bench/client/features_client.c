/*-------------------------------------------------------------------------
 *
 * features_client.c
 *		The rollup of the features as a program outside of the server would do it:
 *		read the window's sessions by COPY, compute, write by COPY and UPDATE.
 *
 * The opponent of liveness_rollup_features in bench/core.  Definitions are those of
 * docs/definitions.md with the default settings.  It leaves out what the
 * rollup does beyond the rows of the window: it takes no job lock, resets no provider
 * that vanished, and prepares nothing for liveness_candidates.
 *
 *	features_client [--replace] [--check] AS_OF WINDOW_DAYS
 *
 * --replace empties the table and copies into it, instead of updating it from a copy:
 * readers wait meanwhile, and what vanished is gone.  --check compares with
 * liveness_features_at afterwards.  Where the server is, libpq's environment says.
 *
 * Standard output: milliseconds from BEGIN to COMMIT, and MB of private memory at the
 * peak, the server's session included.  Standard error: the phases; while we compute
 * rows the server takes in those before, and "write" is what remains.
 *
 * What was tried: COPY in text, slower by a tenth to take in; a staging table without
 * compression, or frozen, no faster.  Most of the writing is the server's parsing of JSON.
 *
 *-------------------------------------------------------------------------
 */
#include <endian.h>
#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <libpq-fe.h>

#define SECOND			INT64_C(1000000)
#define HOUR			(3600 * SECOND)
#define DAY				(24 * HOUR)
#define WEEK			(7 * DAY)
#define CELLS			168
#define SHARES			10000	/* a cell has four decimals */
#define SUNDAY			DAY		/* timestamptz counts from a Saturday: the first Sunday */
#define OPEN			(-1)
#define RESUME_WITHIN	(600 * SECOND)
#define UNSPECIFIED		"unspecified"
#define SEND_BYTES		(64 * 1024)

#define COLUMNS \
	"updated_at, window_days, uptime_pct, sessions_count, mtbf_seconds," \
	" median_session_seconds, p10_session_seconds, p90_session_seconds," \
	" hourly_availability, disconnect_reasons, p_stays_4h, p_stays_8h," \
	" last_disconnect_at, last_session_duration_seconds, liveness_score," \
	" mttr_seconds, failures_count, p_survives_4h, p_survives_8h, spells_count," \
	" bridged_seconds, first_seen_at, observed_uptime_pct"

#define MAX(a, b) ((a) > (b) ? (a) : (b))
#define MIN(a, b) ((a) < (b) ? (a) : (b))

typedef struct Session
{
	int64_t		start;
	int64_t		end;			/* as it stands in the row */
	int32_t		reason;			/* number of the reason, or OPEN */
} Session;

typedef struct Provider
{
	Session    *sessions;
	uint32_t	n;
	uint32_t	capacity;
	int64_t		first_seen;		/* INT64_MAX: not known yet */
} Provider;

/* Texts, numbered in the order of their first coming: open addressing, at most half full */
typedef struct Text
{
	const char *bytes;
	uint32_t	len;
} Text;

typedef struct Slot
{
	uint32_t	hash;
	uint32_t	number;			/* + 1; 0: free */
} Slot;

typedef struct Texts
{
	Text	   *texts;
	uint32_t	n;
	Slot	   *slots;
	uint32_t	nslots;
} Texts;

/* To sort by key */
typedef struct Pair
{
	int64_t		key;
	uint64_t	rest;
} Pair;

/* A cell of the matrix as JSON, the comma behind it included: copied whole */
typedef struct CellText
{
	char		bytes[8];
	uint32_t	len;
} CellText;

static PGconn *conn;
static int64_t as_of;
static int64_t since;
static int	window_days;

static Texts provider_ids;
static Provider *providers;
static Texts reasons;
static Text *reason_keys;		/* as keys of a JSON object: "reason": */
static bool *censored;

static CellText cell_texts[SHARES + 1];
static int64_t window_cells[CELLS];

static char *out;
static size_t out_used;
static size_t out_capacity;

/* Room for the sessions of the largest provider */
static Pair *by_start;
static Pair *by_length;
static Pair *spare;
static int64_t *reason_counts;
static int32_t *reasons_met;

static void *
allocate(size_t size)
{
	void	   *p = calloc(1, MAX(size, 1));

	if (p == NULL)
		abort();
	return p;
}

static void *
resize(void *p, size_t size)
{
	p = realloc(p, size);
	if (p == NULL)
		abort();
	return p;
}

static void
fail(void)
{
	fputs(PQerrorMessage(conn), stderr);
	exit(1);
}

static double
milliseconds(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double) t.tv_sec * 1e3 + (double) t.tv_nsec / 1e6;
}

/* ---------------------------------------------------------------- texts */

static inline uint32_t
hash_of(const char *bytes, size_t len)
{
	const uint64_t k = UINT64_C(0x9e3779b97f4a7c15);
	uint64_t	h = len * k;
	uint64_t	word;

	for (; len >= 8; bytes += 8, len -= 8)
	{
		memcpy(&word, bytes, 8);
		h = (h ^ word) * k;
		h ^= h >> 32;
	}
	word = 0;
	memcpy(&word, bytes, len);
	h = (h ^ word) * k;
	return (uint32_t) (h >> 32);
}

static const char *
keep_bytes(const char *bytes, size_t len)
{
	static char *block;
	static size_t left;
	char	   *kept;

	if (left <= len)
	{
		left = MAX(len + 1, 256 * 1024);
		block = allocate(left);
	}
	kept = memcpy(block, bytes, len);
	block += len;
	left -= len;
	return kept;
}

/* Where the text stands, or would; there are slots */
static inline Slot *
find_slot(const Texts *t, const char *bytes, uint32_t len, uint32_t hash)
{
	uint32_t	i = hash & (t->nslots - 1);

	for (; t->slots[i].number != 0; i = (i + 1) & (t->nslots - 1))
	{
		const Text *text = &t->texts[t->slots[i].number - 1];

		if (t->slots[i].hash == hash && text->len == len && memcmp(text->bytes, bytes, len) == 0)
			break;
	}
	return &t->slots[i];
}

/* The text's number; it is *is_new if it was not there */
static inline uint32_t
number_of(Texts *t, const char *bytes, uint32_t len, bool *is_new)
{
	uint32_t	hash = hash_of(bytes, len);
	Slot	   *slot;

	*is_new = false;
	if (2 * t->n >= t->nslots)
	{
		Slot	   *old = t->slots;
		uint32_t	nold = t->nslots;

		t->nslots = MAX(64, 2 * nold);
		t->slots = allocate(t->nslots * sizeof(Slot));
		t->texts = resize(t->texts, t->nslots / 2 * sizeof(Text));
		for (uint32_t j = 0; j < nold; j++)
		{
			if (old[j].number == 0)
				continue;
			slot = find_slot(t, "", UINT32_MAX, old[j].hash);
			*slot = old[j];
		}
		free(old);
	}

	slot = find_slot(t, bytes, len, hash);
	if (slot->number != 0)
		return slot->number - 1;
	t->texts[t->n].bytes = keep_bytes(bytes, len);
	t->texts[t->n].len = len;
	slot->hash = hash;
	slot->number = ++t->n;
	*is_new = true;
	return t->n - 1;
}

/* ---------------------------------------------------------------- reading */

static PGresult *
run(const char *command, ExecStatusType expected)
{
	PGresult   *result = PQexec(conn, command);

	if (PQresultStatus(result) != expected)
		fail();
	return result;
}

static void
execute(const char *command)
{
	PQclear(run(command, PGRES_COMMAND_OK));
}

/* After the data of a COPY */
static void
end_copy(void)
{
	PGresult   *result;

	while ((result = PQgetResult(conn)) != NULL)
	{
		if (PQresultStatus(result) != PGRES_COMMAND_OK)
			fail();
		PQclear(result);
	}
}

static inline int32_t
read_int32(const char **p)
{
	uint32_t	v;

	memcpy(&v, *p, 4);
	*p += 4;
	return (int32_t) be32toh(v);
}

static inline int64_t
read_int64(const char **p)
{
	uint64_t	v;

	memcpy(&v, *p, 8);
	*p += 8;
	return (int64_t) be64toh(v);
}

/* provider_id, connected_at, disconnected_at, disconnect_reason: each behind its length */
static void
add_session(const char *p)
{
	int32_t		len = read_int32(&p);
	bool		is_new;
	Provider   *provider;
	Session    *session;
	uint32_t	number = number_of(&provider_ids, p, (uint32_t) len, &is_new);

	if (is_new && (number & (number - 1)) == 0)
		providers = resize(providers, MAX(2 * (size_t) number, 1) * sizeof(Provider));
	provider = &providers[number];
	if (is_new)
	{
		memset(provider, 0, sizeof(Provider));
		provider->first_seen = INT64_MAX;
	}
	if (provider->n == provider->capacity)
	{
		provider->capacity = MAX(16, 2 * provider->capacity);
		provider->sessions = resize(provider->sessions, provider->capacity * sizeof(Session));
	}
	session = &provider->sessions[provider->n++];

	p += len + 4;
	session->start = read_int64(&p);
	session->end = read_int32(&p) < 0 ? INT64_MAX : read_int64(&p);
	session->reason = OPEN;
	if (session->end <= as_of)
	{
		len = read_int32(&p);
		if (len == 0)
			session->reason = (int32_t) number_of(&reasons, UNSPECIFIED, strlen(UNSPECIFIED), &is_new);
		else
			session->reason = (int32_t) number_of(&reasons, p, (uint32_t) len, &is_new);
	}
}

/* The window's bounds, as numbers, and as constants for the planner and the scan */
static void
read_window(const char *const *arguments, char **as_of_literal, char **since_literal)
{
	PGresult   *result;
	char	  **literals[] = {as_of_literal, since_literal};

	result = PQexecParams(conn, "SELECT w.as_of, w.since,"
						  " (extract(epoch FROM w.as_of - '2000-01-01 00:00:00+00') * 1000000)::bigint"
						  " FROM (SELECT $1::timestamptz AS as_of,"
						  "  $1::timestamptz - make_interval(hours => 24 * $2::int) AS since) w",
						  2, NULL, arguments, NULL, NULL, 0);
	if (PQresultStatus(result) != PGRES_TUPLES_OK)
		fail();
	for (int i = 0; i < 2; i++)
		*literals[i] = PQescapeLiteral(conn, PQgetvalue(result, 0, i), (size_t) PQgetlength(result, 0, i));
	as_of = strtoll(PQgetvalue(result, 0, 2), NULL, 10);
	window_days = atoi(arguments[1]);
	since = as_of - window_days * DAY;
	PQclear(result);
}

static void
read_rows(const char *query, void (*add) (const char *))
{
	char		command[1024];
	char	   *row;
	int			len;
	bool		first = true;

	snprintf(command, sizeof(command), "COPY (%s) TO STDOUT (FORMAT binary)", query);
	PQclear(run(command, PGRES_COPY_OUT));
	while ((len = PQgetCopyData(conn, &row, 0)) > 0)
	{
		const char *p = row;

		if (first)
		{
			/* signature, flags, and an extension behind its length */
			int32_t		extension;

			p += 15;
			extension = read_int32(&p);
			p += extension;
			first = false;
		}
		/* the number of columns; in the end -1 */
		if (p[0] == 0)
			add(p + 2);
		PQfreemem(row);
	}
	if (len == -2)
		fail();
	end_copy();
}

static void
read_sessions(const char *as_of_literal, const char *since_literal)
{
	char		query[512];

	snprintf(query, sizeof(query),
			 "SELECT provider_id, connected_at, disconnected_at, disconnect_reason"
			 " FROM provider_sessions WHERE connected_at < %s AND (disconnected_at IS NULL"
			 " OR disconnected_at >= %s)", as_of_literal, since_literal);
	read_rows(query, add_session);
}

/* provider_id, first_seen_at; of a provider without a session in the window it is no matter */
static void
add_first_seen(const char *p)
{
	int32_t		len = read_int32(&p);
	const Slot *slot;

	if (provider_ids.n == 0)
		return;
	slot = find_slot(&provider_ids, p, (uint32_t) len, hash_of(p, (size_t) len));
	p += len + 4;
	if (slot->number != 0)
		providers[slot->number - 1].first_seen = read_int64(&p);
}

/* When providers were first seen: as the table says, or by their first session */
static void
read_first_seen(const char *as_of_literal)
{
	char		query[512];
	bool		all_known = true;

	read_rows("SELECT provider_id, first_seen_at FROM provider_reliability_features"
			  " WHERE first_seen_at IS NOT NULL AND sessions_count > 0", add_first_seen);
	for (uint32_t i = 0; i < provider_ids.n; i++)
		all_known &= providers[i].first_seen != INT64_MAX;
	if (all_known)
		return;
	snprintf(query, sizeof(query), "SELECT provider_id, min(connected_at) FROM provider_sessions"
			 " WHERE connected_at < %s GROUP BY provider_id", as_of_literal);
	read_rows(query, add_first_seen);
}

/* ---------------------------------------------------------------- computing */

/* Merge sort; n is some dozens.  Returns where the result is: a or spare */
static Pair *
sort_pairs(Pair *a, size_t n, Pair *other)
{
	const size_t run_length = 8;
	bool		sorted = true;

	for (size_t i = 1; i < n && sorted; i++)
		sorted = a[i - 1].key <= a[i].key;
	if (sorted)
		return a;

	for (size_t lo = 0; lo < n; lo += run_length)
	{
		for (size_t i = lo + 1; i < MIN(lo + run_length, n); i++)
		{
			Pair		pair = a[i];
			size_t		j = i;

			for (; j > lo && a[j - 1].key > pair.key; j--)
				a[j] = a[j - 1];
			a[j] = pair;
		}
	}
	for (size_t width = run_length; width < n; width *= 2)
	{
		Pair	   *swap;

		for (size_t lo = 0; lo < n; lo += 2 * width)
		{
			const Pair *left = a + lo;
			const Pair *middle = a + MIN(lo + width, n);
			const Pair *right = middle;
			const Pair *end = a + MIN(lo + 2 * width, n);
			Pair	   *to = other + lo;

			/* without a branch to mispredict */
			while (left < middle && right < end)
			{
				bool		take_right = right->key < left->key;

				*to++ = *(take_right ? right : left);
				right += take_right;
				left += !take_right;
			}
			memcpy(to, left, (size_t) (middle - left) * sizeof(Pair));
			to += middle - left;
			memcpy(to, right, (size_t) (end - right) * sizeof(Pair));
		}
		swap = a;
		a = other;
		other = swap;
	}
	return a;
}

static inline int64_t
saturating_sub(int64_t a, int64_t b)
{
	int64_t		result;

	if (b == INT64_MIN || __builtin_sub_overflow(a, b, &result))
		return a == b ? 0 : a > b ? INT64_MAX : INT64_MIN;
	return result;
}

/* Rounded half away from zero */
static inline int64_t
divide(int64_t n, int64_t d)
{
	int64_t		q = n / d;
	int64_t		r = n % d;

	return q + (r >= d - r);
}

/*
 * Time online by the hour of the week.  What lies before an instant of a week is all
 * hours before its own and a part of that one: so each end of an interval adds or
 * takes away a step and a part.
 */
typedef struct Week
{
	int64_t		hours;			/* whole weeks */
	int64_t		before[CELLS];	/* hours of every cell before this one */
	int64_t		part[CELLS];	/* microseconds */
} Week;

static inline void
add_instant(Week *week, int64_t instant, int64_t origin, int sign)
{
	uint64_t	x = (uint64_t) (instant - origin);
	uint64_t	hour = x / HOUR;
	uint64_t	cell = hour % CELLS;

	week->hours += sign * (int64_t) (hour / CELLS);
	week->before[cell] += sign;
	week->part[cell] += sign * (int64_t) (x % HOUR);
}

static void
week_cells(const Week *week, int64_t cells[CELLS])
{
	int64_t		hours = week->hours;

	for (int i = CELLS - 1; i >= 0; i--)
	{
		cells[i] = hours * HOUR + week->part[i];
		hours += week->before[i];
	}
}

/* The Sunday before the window */
static int64_t
week_origin(void)
{
	int64_t		offset = (since - SUNDAY) % WEEK;

	return since - offset - (offset < 0 ? WEEK : 0);
}

static inline double
percentile(const Pair *sorted, uint32_t n, double fraction)
{
	double		position = fraction * (double) (n - 1);
	size_t		lower = (size_t) floor(position);
	double		lo = (double) sorted[lower].key / SECOND;
	double		hi = (double) sorted[(size_t) ceil(position)].key / SECOND;

	return lo + (position - floor(position)) * (hi - lo);
}

/*
 * Kaplan-Meier at 4 h and 8 h, NAN for NULL.  sorted: key is the age at exit, rest the
 * age at entry * 2 + whether it is an event.  late: the ages at entry other than 0.
 */
static void
survival(const Pair *sorted, uint32_t n, const Pair *late, uint32_t nlate, float result[2])
{
	int64_t		at_risk = 0;
	int64_t		last_exit = -1;
	double		s = 1;
	uint32_t	entered = 0;
	uint32_t	i = 0;

	for (uint32_t j = 0; j < n; j++)
	{
		int64_t		entry = (int64_t) (sorted[j].rest >> 1);

		at_risk += entry == 0 && sorted[j].key > 0;
		if (entry < sorted[j].key)
			last_exit = sorted[j].key;
	}
	for (int k = 0; k < 2; k++)
	{
		int64_t		time = (k + 1) * 4 * HOUR;

		while (i < n && sorted[i].key <= time)
		{
			int64_t		age = sorted[i].key;
			int64_t		exits = 0;
			int64_t		events = 0;

			for (; i < n && sorted[i].key == age; i++)
			{
				bool		subject = (int64_t) (sorted[i].rest >> 1) < age;

				exits += subject;
				events += subject & sorted[i].rest;
			}
			for (; entered < nlate && late[entered].key < age; entered++)
				at_risk++;
			if (events > 0)
				s *= (double) (at_risk - events) / (double) at_risk;
			at_risk -= exits;
		}
		result[k] = last_exit < 0 || (s > 0 && time > last_exit) ? NAN : (float) s;
	}
}

static double
score(double uptime_pct, double p_stays_4h, double p_stays_8h, double mtbf,
	  bool has_disconnect, int64_t last_disconnect_at)
{
	double		s = 0.35 * uptime_pct + 0.25 * p_stays_4h + 0.15 * p_stays_8h
		+ 0.25 * (1 / (1 + exp(-(mtbf - 4 * 3600.0) / 3600.0)));

	if (has_disconnect)
	{
		int64_t		age = saturating_sub(as_of, last_disconnect_at);

		if (age <= 0)
			s -= 0.10;
		else if (age < DAY)
			s -= 0.10 * (1 - (double) age / (double) DAY);
	}
	return MIN(MAX(s, 0), 1);
}

/* ---------------------------------------------------------------- a row of the answer */

static inline void
put_bytes(const void *bytes, size_t len)
{
	memcpy(out + out_used, bytes, len);
	out_used += len;
}

static inline void
put_int32(int32_t v)
{
	uint32_t	be = htobe32((uint32_t) v);

	put_bytes(&be, 4);
}

static inline void
put_int64(int64_t v)
{
	uint64_t	be = htobe64((uint64_t) v);

	put_bytes(&be, 8);
}

static inline void
put_int32_column(int32_t v)
{
	put_int32(4);
	put_int32(v);
}

static inline void
put_int64_column(int64_t v)
{
	put_int32(8);
	put_int64(v);
}

/* NULL for NAN */
static inline void
put_real_column(float v)
{
	int32_t		bits;

	if (isnan(v))
	{
		put_int32(-1);
		return;
	}
	memcpy(&bits, &v, 4);
	put_int32_column(bits);
}

/* A jsonb goes as its version and text: returns where, for end_json */
static inline size_t
begin_json(void)
{
	put_int32(0);
	put_bytes("\1", 1);
	return out_used - 5;
}

static inline void
end_json(size_t at)
{
	uint32_t	len = htobe32((uint32_t) (out_used - at - 4));

	memcpy(out + at, &len, 4);
}

static void
put_matrix(const Week *online)
{
	int64_t		cells[CELLS];
	size_t		at = begin_json();

	week_cells(online, cells);
	put_bytes("[", 1);
	for (int i = 0; i < CELLS; i++)
	{
		int64_t		whole = window_cells[i];
		const CellText *text;

		if (whole == 0)
		{
			put_bytes("null,", 5);
			continue;
		}
		text = cells[i] == 0 ? &cell_texts[0] : cells[i] == whole ? &cell_texts[SHARES] :
			&cell_texts[divide(cells[i] * SHARES, whole)];
		memcpy(out + out_used, text->bytes, sizeof(text->bytes));
		out_used += text->len;
	}
	out[out_used - 1] = ']';
	end_json(at);
}

static void
put_reasons(int nmet)
{
	size_t		at = begin_json();

	put_bytes("{", 1);
	for (int i = 0; i < nmet; i++)
	{
		int32_t		reason = reasons_met[i];

		put_bytes(reason_keys[reason].bytes, reason_keys[reason].len);
		out_used += (size_t) sprintf(out + out_used, "%lld,", (long long) reason_counts[reason]);
		reason_counts[reason] = 0;
	}
	out[out_used - (nmet > 0)] = '}';
	out_used += nmet == 0;
	end_json(at);
}

static void
reserve(size_t len)
{
	if (out_capacity - out_used >= len)
		return;
	out_capacity = 2 * out_capacity + len;
	out = resize(out, out_capacity);
}

static void
compute_row(const Text *id, const Provider *provider, int64_t origin)
{
	uint32_t	n = provider->n;
	Week		online = {0};
	const Pair *starts;
	const Pair *lengths;
	uint32_t	nlate = 0;
	int			nmet = 0;
	size_t		keys_len = 0;
	int64_t		stays_4h = 0;
	int64_t		stays_8h = 0;
	int64_t		failed_before_4h = 0;
	int64_t		failed_before_8h = 0;
	uint32_t	nspells = 0;
	bool		has_disconnect = false;
	int64_t		last_disconnect_at = 0;
	int64_t		last_length = 0;
	int64_t		uptime = 0;
	int64_t		failures = 0;
	int64_t		gaps = 0;
	int64_t		gap_total = 0;
	int64_t		bridged = 0;
	bool		has_previous = false;
	int64_t		previous_end = 0;
	int64_t		mtbf;
	double		uptime_pct;
	double		p_stays_4h;
	double		p_stays_8h;
	float		survives[2];
	Pair	   *late;

	for (uint32_t i = 0; i < n; i++)
	{
		const Session *session = &provider->sessions[i];

		if (session->reason != OPEN && reason_counts[session->reason]++ == 0)
		{
			reasons_met[nmet++] = session->reason;
			keys_len += reason_keys[session->reason].len + 24;
		}
		by_start[i].key = session->start;
		by_start[i].rest = i;
	}

	/* the spells; sessions mostly come in the order in which they began */
	starts = sort_pairs(by_start, n, spare);
	for (uint32_t i = 0; i < n;)
	{
		int64_t		start = starts[i].key;
		int64_t		end = start;
		bool		failure = false;
		bool		open = false;
		int64_t		clipped = MAX(start, since);
		int64_t		length;
		int64_t		entry;

		/* one that begins later resumes where all that ended the spell is censored */
		for (; i < n && (starts[i].key <= end ||
						 (!failure && !open && saturating_sub(starts[i].key, end) <= RESUME_WITHIN)); i++)
		{
			const Session *session = &provider->sessions[starts[i].rest];
			bool		is_open = session->reason == OPEN;
			bool		is_failure = !is_open && !censored[session->reason];
			int64_t		session_end = is_open ? as_of : MAX(session->end, session->start);

			if (starts[i].key > end)
				bridged += starts[i].key - end;
			if (session_end > end)
			{
				end = session_end;
				open = is_open;
				failure = is_failure;
			}
			else if (session_end == end)
			{
				open |= is_open;
				failure |= is_failure;
			}
		}
		failure &= !open;
		length = saturating_sub(end, start);
		entry = start < since ? saturating_sub(since, start) : 0;
		by_length[nspells].key = length;
		by_length[nspells++].rest = (uint64_t) entry << 1 | failure;
		stays_4h += length >= 4 * HOUR;
		stays_8h += length >= 8 * HOUR;
		if (failure)
		{
			failures++;
			failed_before_4h += length < 4 * HOUR;
			failed_before_8h += length < 8 * HOUR;
			has_disconnect = true;
			last_disconnect_at = end;
			last_length = length;
		}
		if (end > clipped)
		{
			uptime += end - clipped;
			add_instant(&online, clipped, origin, -1);
			add_instant(&online, end, origin, 1);
		}
		if (end > start)
		{
			if (has_previous)
			{
				gaps++;
				gap_total += start - previous_end;
			}
			has_previous = true;
			previous_end = end;
		}
	}

	/* by_start and spare are free now */
	late = by_start;
	for (uint32_t i = 0; i < nspells; i++)
	{
		int64_t		entry = (int64_t) (by_length[i].rest >> 1);

		late[nlate].key = entry;
		nlate += entry > 0 && entry < by_length[i].key;
	}
	late = sort_pairs(late, nlate, spare);
	lengths = sort_pairs(by_length, nspells, late == spare ? by_start : spare);
	survival(lengths, nspells, late, nlate, survives);

	uptime_pct = (double) uptime / (double) (window_days * DAY);
	p_stays_4h = stays_4h ? (double) stays_4h / (double) (stays_4h + failed_before_4h) : 0;
	p_stays_8h = stays_8h ? (double) stays_8h / (double) (stays_8h + failed_before_8h) : 0;
	mtbf = divide(uptime, MAX(failures, 1) * SECOND);

	reserve(id->len + CELLS * sizeof(cell_texts[0].bytes) + keys_len + 512);
	put_bytes("\0\30", 2);		/* 24 columns */
	put_int32((int32_t) id->len);
	put_bytes(id->bytes, id->len);
	put_int64_column(as_of);
	put_int32_column(window_days);
	put_real_column((float) uptime_pct);
	put_int32_column((int32_t) MIN(n, INT32_MAX));
	put_int64_column(mtbf);
	put_int64_column((int64_t) round(percentile(lengths, nspells, 0.5)));
	put_int64_column((int64_t) round(percentile(lengths, nspells, 0.1)));
	put_int64_column((int64_t) round(percentile(lengths, nspells, 0.9)));
	put_matrix(&online);
	put_reasons(nmet);
	put_real_column((float) p_stays_4h);
	put_real_column((float) p_stays_8h);
	if (has_disconnect)
		put_int64_column(last_disconnect_at);
	else
		put_int32(-1);
	put_int64_column(divide(last_length, SECOND));
	put_real_column((float) score(uptime_pct, p_stays_4h, p_stays_8h, (double) mtbf,
								  has_disconnect, last_disconnect_at));
	put_int64_column(gaps > 0 ? divide(gap_total, gaps * SECOND) : 0);
	put_int32_column((int32_t) MIN(failures, INT32_MAX));
	put_real_column(survives[0]);
	put_real_column(survives[1]);
	put_int32_column((int32_t) MIN(nspells, INT32_MAX));
	put_int64_column(divide(bridged, SECOND));
	put_int64_column(provider->first_seen);
	put_real_column((float) ((double) uptime / (double) (as_of - MAX(provider->first_seen, since))));
}

static bool
is_text(const Text *text, const char *word)
{
	return text->len == strlen(word) && memcmp(text->bytes, word, text->len) == 0;
}

/* What is computed once: the window's own cells, texts of the shares, keys of the reasons */
static void
prepare(int64_t origin)
{
	Week		window = {0};
	size_t		most = 1;

	add_instant(&window, since, origin, -1);
	add_instant(&window, as_of, origin, 1);
	week_cells(&window, window_cells);

	for (int share = 0; share <= SHARES; share++)
	{
		char		text[16];
		int			len = snprintf(text, sizeof(text), "%d.%04d", share / SHARES, share % SHARES);

		while (text[len - 1] == '0')
			len--;
		len -= text[len - 1] == '.';
		text[len++] = ',';
		cell_texts[share].len = (uint32_t) len;
		memcpy(cell_texts[share].bytes, text, sizeof(cell_texts[share].bytes));
	}

	reason_keys = allocate(reasons.n * sizeof(Text));
	censored = allocate(reasons.n * sizeof(bool));
	reason_counts = allocate(reasons.n * sizeof(int64_t));
	reasons_met = allocate(reasons.n * sizeof(int32_t));
	for (uint32_t i = 0; i < reasons.n; i++)
	{
		const Text *reason = &reasons.texts[i];
		char	   *key = allocate(6 * (size_t) reason->len + 4);
		uint32_t	len = 0;

		censored[i] = is_text(reason, "coordinator_restart") || is_text(reason, "observer_outage");
		key[len++] = '"';
		for (uint32_t j = 0; j < reason->len; j++)
		{
			unsigned char c = (unsigned char) reason->bytes[j];

			if (c < ' ' || c == '"' || c == '\\')
				len += (uint32_t) sprintf(key + len, "\\u%04x", c);
			else
				key[len++] = (char) c;
		}
		memcpy(key + len, "\":", 2);
		reason_keys[i].bytes = key;
		reason_keys[i].len = len + 2;
	}

	for (uint32_t i = 0; i < provider_ids.n; i++)
		most = MAX(most, providers[i].n);
	by_start = allocate(most * sizeof(Pair));
	by_length = allocate(most * sizeof(Pair));
	spare = allocate(most * sizeof(Pair));
}

/* ---------------------------------------------------------------- writing */

static void
send_rows(void)
{
	if (out_used > 0 && PQputCopyData(conn, out, (int) out_used) != 1)
		fail();
	out_used = 0;
}

/* The server parses the rows sent so far while we compute the next; returns our part */
static double
compute_and_send(const char *table)
{
	char		command[1024];
	double		computing = 0;
	double		began = milliseconds();
	int64_t		origin = week_origin();

	prepare(origin);
	computing += milliseconds() - began;

	snprintf(command, sizeof(command), "COPY %s (provider_id, " COLUMNS ") FROM STDIN (FORMAT binary)", table);
	PQclear(run(command, PGRES_COPY_IN));
	reserve(2 * SEND_BYTES);
	put_bytes("PGCOPY\n\377\r\n\0\0\0\0\0\0\0\0\0", 19);
	for (uint32_t i = 0; i < provider_ids.n;)
	{
		began = milliseconds();
		for (; i < provider_ids.n && out_used < SEND_BYTES; i++)
			compute_row(&provider_ids.texts[i], &providers[i], origin);
		computing += milliseconds() - began;
		send_rows();
	}
	put_bytes("\377\377", 2);
	send_rows();
	if (PQputCopyEnd(conn, NULL) != 1)
		fail();
	end_copy();
	return computing;
}

static void
update_from_staging(void)
{
	PGresult   *result;

	result = run("UPDATE provider_reliability_features f SET (" COLUMNS ") = "
				 "ROW(s.updated_at, s.window_days, s.uptime_pct, s.sessions_count, s.mtbf_seconds,"
				 " s.median_session_seconds, s.p10_session_seconds, s.p90_session_seconds,"
				 " s.hourly_availability, s.disconnect_reasons, s.p_stays_4h, s.p_stays_8h,"
				 " s.last_disconnect_at, s.last_session_duration_seconds, s.liveness_score,"
				 " s.mttr_seconds, s.failures_count, s.p_survives_4h, s.p_survives_8h, s.spells_count,"
				 " s.bridged_seconds, s.first_seen_at, s.observed_uptime_pct)"
				 " FROM staging s WHERE s.provider_id = f.provider_id", PGRES_COMMAND_OK);
	if (strtoul(PQcmdTuples(result), NULL, 10) < provider_ids.n)
		execute("INSERT INTO provider_reliability_features (provider_id, " COLUMNS ")"
				" SELECT provider_id, " COLUMNS " FROM staging ON CONFLICT (provider_id) DO NOTHING");
	PQclear(result);
}

/* ---------------------------------------------------------------- and around it */

/* Peak less what others have too, of a /proc/.../status, in kB */
static long
private_memory(const char *status)
{
	static const char *const names[] = {"VmHWM:", "RssShmem:", "RssFile:"};
	long		kb[3] = {0};

	for (int i = 0; i < 3; i++)
	{
		const char *line = strstr(status, names[i]);

		if (line)
			kb[i] = strtol(line + strlen(names[i]), NULL, 10);
	}
	return kb[0] - kb[1] - kb[2];
}

static long
memory(void)
{
	PGresult   *result = run("SELECT pg_read_file('/proc/self/status')", PGRES_TUPLES_OK);
	long		kb = private_memory(PQgetvalue(result, 0, 0));
	char		status[8192];
	FILE	   *file = fopen("/proc/self/status", "r");

	PQclear(result);
	if (file == NULL)
		return kb;
	status[fread(status, 1, sizeof(status) - 1, file)] = '\0';
	fclose(file);
	return kb + private_memory(status);
}

int
main(int argc, char **argv)
{
	bool		replace = false;
	bool		check = false;
	char	   *as_of_literal;
	char	   *since_literal;
	char		command[1024];
	PGresult   *result;
	double		began;
	double		read;
	double		computing;
	double		ended;

	for (; argc > 1 && strncmp(argv[1], "--", 2) == 0; argc--, argv++)
	{
		replace |= strcmp(argv[1], "--replace") == 0;
		check |= strcmp(argv[1], "--check") == 0;
	}
	if (argc != 3)
	{
		fputs("usage: features_client [--replace] [--check] AS_OF WINDOW_DAYS\n", stderr);
		return 2;
	}
	conn = PQconnectdb("");
	if (PQstatus(conn) != CONNECTION_OK)
		fail();
	execute("SET client_min_messages = warning");

	began = milliseconds();
	execute("BEGIN");
	read_window((const char *const *) &argv[1], &as_of_literal, &since_literal);
	read_sessions(as_of_literal, since_literal);
	read_first_seen(as_of_literal);
	read = milliseconds();

	if (replace)
	{
		execute("TRUNCATE provider_reliability_features");
		computing = compute_and_send("provider_reliability_features");
	}
	else
	{
		/* by its own buffers alone, and compressed once: UPDATE takes it as it is */
		execute("SET LOCAL temp_buffers = '64MB'");
		execute("CREATE TEMP TABLE staging (LIKE provider_reliability_features INCLUDING COMPRESSION)"
				" ON COMMIT DROP");
		computing = compute_and_send("staging");
		update_from_staging();
	}
	execute("COMMIT");
	ended = milliseconds();
	printf("%.1f %ld\n", ended - began, memory() / 1024);
	fprintf(stderr, "read %.1f compute %.1f write %.1f\n", read - began, computing, ended - read - computing);

	if (check)
	{
		snprintf(command, sizeof(command),
				 "SELECT count(*) FROM liveness_features_at(%s, %d) a"
				 " LEFT JOIN provider_reliability_features f USING (provider_id)"
				 " WHERE a IS DISTINCT FROM f", as_of_literal, window_days);
		result = run(command, PGRES_TUPLES_OK);
		fprintf(stderr, "%u rows, %s differ\n", provider_ids.n, PQgetvalue(result, 0, 0));
		if (strcmp(PQgetvalue(result, 0, 0), "0") != 0)
			return 1;
	}
	PQfinish(conn);
	return 0;
}
