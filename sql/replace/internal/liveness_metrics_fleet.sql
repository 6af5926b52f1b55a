-- The view shows figures of the whole fleet to whoever may read it, as its owner sees
-- them; the views that they are taken from show everybody what is his.
CREATE FUNCTION liveness_internal.liveness_metrics_fleet()
RETURNS SETOF network_availability
LANGUAGE sql STABLE PARALLEL SAFE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET jit = off
BEGIN ATOMIC
	SELECT n.window_days, n.providers, n.connected, n.vanished, n.mean_uptime_pct, n.p10_uptime_pct, n.p50_uptime_pct,
		n.p90_uptime_pct, n.highly_reliable, n.updated_at
	FROM @extschema@.network_availability n;
END;
COMMENT ON FUNCTION liveness_internal.liveness_metrics_fleet() IS 'network_availability as the extension''s owner sees it, for liveness_metrics';
