CREATE FUNCTION liveness_emit(provider_id text, status text DEFAULT '', memory_pressure float8 DEFAULT 0,
	cpu_usage float8 DEFAULT 0, thermal_state text DEFAULT '', memory_available_gb float8 DEFAULT NULL,
	gpu_memory_active_gb float8 DEFAULT NULL, gpu_memory_cache_gb float8 DEFAULT NULL,
	backend_state text DEFAULT '', active_model text DEFAULT '', capacity jsonb DEFAULT NULL,
	at timestamptz DEFAULT now())
RETURNS boolean AS 'MODULE_PATHNAME' LANGUAGE C VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION liveness_emit(text, text, float8, float8, text, float8, float8, float8, text, text, jsonb, timestamptz) IS 'Puts a heartbeat into the buffer in shared memory; false if the buffer is full';
