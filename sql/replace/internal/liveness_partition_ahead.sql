-- A body that is parsed once calls what was there then, whatever overload others make.
CREATE FUNCTION liveness_internal.liveness_partition_ahead(width interval)
RETURNS bigint
LANGUAGE sql VOLATILE
BEGIN ATOMIC
	SELECT @extschema@.liveness_partition_heartbeats(width, NULL, now() + interval '7 days');
END;
COMMENT ON FUNCTION liveness_internal.liveness_partition_ahead(interval) IS 'liveness_partition_heartbeats for the next 7 days';
