CREATE VIEW provider_disconnect_reasons AS
	SELECT f.provider_id, r.reason, CASE WHEN jsonb_typeof(r.sessions) = 'number'
			THEN least(greatest(r.sessions::numeric, 0), 9223372036854775807)::bigint END AS sessions
	FROM provider_reliability_features f
	CROSS JOIN LATERAL jsonb_each(
		CASE WHEN jsonb_typeof(f.disconnect_reasons) = 'object' THEN f.disconnect_reasons ELSE '{}' END
	) AS r (reason, sessions);
COMMENT ON VIEW provider_disconnect_reasons IS 'disconnect_reasons, a row for each reason';
COMMENT ON COLUMN provider_disconnect_reasons.provider_id IS 'The machine';
COMMENT ON COLUMN provider_disconnect_reasons.reason IS 'Why; unspecified where none was given';
COMMENT ON COLUMN provider_disconnect_reasons.sessions IS 'Sessions of the window that ended for it, 1 or more';
