/*-------------------------------------------------------------------------
 *
 * features_row.h
 *		The columns of liveness_features_row, in order.
 *
 * FEATURES_ROW(X, arg) is X(arg, constant, name, type, reset) for each column.  "reset"
 * is what the rollup writes for a provider without a session in the window; the
 * statement that does so (rollup_features.c) explains its names n and k.
 *
 * What the aggregate says of FEATURES_SEEN holds for the sessions that it was given.  The
 * rollup says it anew, for it knows when the provider was first seen.
 *
 *-------------------------------------------------------------------------
 */
#ifndef LIVENESS_FEATURES_ROW_H
#define LIVENESS_FEATURES_ROW_H

#define FEATURES_ROW(X, arg) \
	FEATURES_BEFORE_SEEN(X, arg) \
	FEATURES_SEEN(X, arg) \
	FEATURES_AFTER_SEEN(X, arg)

#define FEATURES_BEFORE_SEEN(X, arg) \
	X(arg, UPTIME_PCT, uptime_pct, FLOAT4OID, "0::float4") \
	X(arg, SESSIONS_COUNT, sessions_count, INT4OID, "0") \
	X(arg, MTBF_SECONDS, mtbf_seconds, INT8OID, "0::int8") \
	X(arg, MEDIAN_SESSION_SECONDS, median_session_seconds, INT8OID, "0::int8") \
	X(arg, P10_SESSION_SECONDS, p10_session_seconds, INT8OID, "0::int8") \
	X(arg, P90_SESSION_SECONDS, p90_session_seconds, INT8OID, "0::int8") \
	X(arg, HOURLY_AVAILABILITY, hourly_availability, JSONBOID, "n.matrix") \
	X(arg, DISCONNECT_REASONS, disconnect_reasons, JSONBOID, "'{}'::jsonb") \
	X(arg, P_STAYS_4H, p_stays_4h, FLOAT4OID, "0::float4") \
	X(arg, P_STAYS_8H, p_stays_8h, FLOAT4OID, "0::float4") \
	X(arg, LAST_DISCONNECT_AT, last_disconnect_at, TIMESTAMPTZOID, "k.last_disconnect_at") \
	X(arg, LAST_SESSION_DURATION_SECONDS, last_session_duration_seconds, INT8OID, "0::int8") \
	X(arg, LIVENESS_SCORE, liveness_score, FLOAT4OID, \
	  "liveness_internal.liveness_score(0::float8, 0::float8, 0::float8, 0::float8," \
	  " k.last_disconnect_at, $1)::float4") \
	X(arg, MTTR_SECONDS, mttr_seconds, INT8OID, "0::int8") \
	X(arg, FAILURES_COUNT, failures_count, INT4OID, "0") \
	X(arg, P_SURVIVES_4H, p_survives_4h, FLOAT4OID, "NULL::float4") \
	X(arg, P_SURVIVES_8H, p_survives_8h, FLOAT4OID, "NULL::float4") \
	X(arg, SPELLS_COUNT, spells_count, INT4OID, "0")

#define FEATURES_SEEN(X, arg) \
	X(arg, FIRST_SEEN_AT, first_seen_at, TIMESTAMPTZOID, "k.first_seen_at") \
	X(arg, OBSERVED_UPTIME_PCT, observed_uptime_pct, FLOAT4OID, "0::float4")

#define FEATURES_AFTER_SEEN(X, arg) \
	X(arg, BRIDGED_SECONDS, bridged_seconds, INT8OID, "0::int8")

#endif							/* LIVENESS_FEATURES_ROW_H */
