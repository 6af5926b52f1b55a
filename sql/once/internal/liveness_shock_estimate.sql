-- Without a key, as liveness_fleet_hazard: COPY of a dump must not fail because a job was
-- there before it.
CREATE TABLE liveness_internal.liveness_shock_estimate (
	as_of timestamptz NOT NULL,
	horizon interval NOT NULL,
	phi float8 NOT NULL,
	psi float8 NOT NULL,
	phi_estimate float8,
	phi_error float8,
	psi_estimate float8,
	psi_error float8,
	cuts int NOT NULL,
	cases bigint NOT NULL,
	pairs bigint NOT NULL,
	group_pairs bigint NOT NULL,
	stated float8,
	held float8
);
ALTER TABLE liveness_internal.liveness_shock_estimate REPLICA IDENTITY FULL;
COMMENT ON TABLE liveness_internal.liveness_shock_estimate IS 'How far providers fall together: a row for each horizon that it was estimated at; the latest as_of counts';
COMMENT ON COLUMN liveness_internal.liveness_shock_estimate.as_of IS 'Instant that it describes';
COMMENT ON COLUMN liveness_internal.liveness_shock_estimate.horizon IS 'Length of the job that was asked about at each cut, more than 0';
COMMENT ON COLUMN liveness_internal.liveness_shock_estimate.phi IS 'Share of each hazard that is the whole fleet''s, 0 to 1; 0 where the data do not speak for more';
COMMENT ON COLUMN liveness_internal.liveness_shock_estimate.psi IS 'Share of each hazard that is the group''s or the fleet''s, phi to 1';
COMMENT ON COLUMN liveness_internal.liveness_shock_estimate.phi_estimate IS 'The estimate of phi before its standard error was taken off, -1 to 1; NULL: no pair was seen';
COMMENT ON COLUMN liveness_internal.liveness_shock_estimate.phi_error IS 'Standard error of phi_estimate by the jackknife, 0 or more, over ten blocks of cuts; NULL: fewer than two blocks';
COMMENT ON COLUMN liveness_internal.liveness_shock_estimate.psi_estimate IS 'The estimate of psi before its standard error was taken off, -1 to 1; NULL: no pair of one group was seen';
COMMENT ON COLUMN liveness_internal.liveness_shock_estimate.psi_error IS 'Standard error of psi_estimate by the jackknife, 0 or more; NULL: fewer than two blocks';
COMMENT ON COLUMN liveness_internal.liveness_shock_estimate.cuts IS 'Instants at which the fleet was looked at, 0 or more';
COMMENT ON COLUMN liveness_internal.liveness_shock_estimate.cases IS 'Providers asked about, in all cuts: of each cut the quarter likeliest to hold, 0 or more';
COMMENT ON COLUMN liveness_internal.liveness_shock_estimate.pairs IS 'Pairs of providers of one cut, 0 or more';
COMMENT ON COLUMN liveness_internal.liveness_shock_estimate.group_pairs IS 'Pairs of one cut and one group, 0 or more';
COMMENT ON COLUMN liveness_internal.liveness_shock_estimate.stated IS 'Mean probability to hold that the model stated, 0 to 1; NULL: no case';
COMMENT ON COLUMN liveness_internal.liveness_shock_estimate.held IS 'Share that held, 0 to 1; NULL: no case';
SELECT pg_catalog.pg_extension_config_dump('liveness_internal.liveness_shock_estimate', '');
