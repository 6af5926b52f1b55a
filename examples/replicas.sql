-- On which machines should a 6-hour job run twice, so that one of them holds?  The second
-- machine may be less likely than another one of the same group: machines of a group fall
-- together.  What is not certain is not rounded up to 100.

SELECT r.replica,
	r.provider_id,
	r.group_name AS "group",
	least(round(100 * r.probability::numeric, 1), CASE WHEN r.probability < 1 THEN 99.9 END) AS "holds %",
	least(round(100 * r.joint::numeric, 1), CASE WHEN r.joint < 1 THEN 99.9 END) AS "one holds %"
FROM liveness_replicas('6 hours', target => 1, max_replicas => 2) r;
