CREATE TYPE survival_curve;
CREATE FUNCTION liveness_internal.survival_curve_in(cstring)
RETURNS survival_curve AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION liveness_internal.survival_curve_in(cstring) IS 'Input of survival_curve: {time:events:censored, ...}';
CREATE FUNCTION liveness_internal.survival_curve_out(survival_curve)
RETURNS cstring AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION liveness_internal.survival_curve_out(survival_curve) IS 'Output of survival_curve, exact';
CREATE FUNCTION liveness_internal.survival_curve_recv(internal)
RETURNS survival_curve AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION liveness_internal.survival_curve_recv(internal) IS 'Binary input of survival_curve; a curve that cannot be is error 22P03';
CREATE FUNCTION liveness_internal.survival_curve_send(survival_curve)
RETURNS bytea AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION liveness_internal.survival_curve_send(survival_curve) IS 'Binary output of survival_curve';
CREATE TYPE survival_curve (
	INPUT = liveness_internal.survival_curve_in,
	OUTPUT = liveness_internal.survival_curve_out,
	RECEIVE = liveness_internal.survival_curve_recv,
	SEND = liveness_internal.survival_curve_send,
	ALIGNMENT = double,
	STORAGE = extended
);
COMMENT ON TYPE survival_curve IS 'A Kaplan-Meier curve as what it follows from: at each distinct time the numbers of events, of censored observations, and of those that come under observation. Curves merge in any order with the same result';
