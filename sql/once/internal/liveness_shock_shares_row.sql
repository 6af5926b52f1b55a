CREATE TYPE liveness_internal.liveness_shock_shares_row AS (
	phi float8,
	psi float8
);
COMMENT ON TYPE liveness_internal.liveness_shock_shares_row IS 'Row of liveness_shock_shares';
COMMENT ON COLUMN liveness_internal.liveness_shock_shares_row.phi IS 'Share of each hazard that is the whole fleet''s, 0 to 1';
COMMENT ON COLUMN liveness_internal.liveness_shock_shares_row.psi IS 'Share of each hazard that is the group''s or the fleet''s, phi to 1';
