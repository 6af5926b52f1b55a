CREATE VIEW provider_heartbeat_history AS
	SELECT h.id, h.provider_id, h.at, h.status, h.memory_pressure, h.cpu_usage, h.thermal_state,
		h.memory_available_gb, h.gpu_memory_active_gb, h.gpu_memory_cache_gb, h.backend_state,
		h.active_model, h.capacity
	FROM provider_heartbeats h;
COMMENT ON VIEW provider_heartbeat_history IS 'Heartbeats as they arrived; ask for one provider, or for a span of time';
