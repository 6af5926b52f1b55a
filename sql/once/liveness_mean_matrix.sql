CREATE AGGREGATE liveness_mean_matrix(matrix jsonb) (
	SFUNC = liveness_internal.liveness_mean_matrix_transfn,
	STYPE = internal,
	FINALFUNC = liveness_internal.liveness_mean_matrix_final,
	SSPACE = 4096,
	PARALLEL = SAFE
);
COMMENT ON AGGREGATE liveness_mean_matrix(jsonb) IS 'Mean of matrices in the form of hourly_availability, cell by cell; NULL if there is none';
