-- At which hours of the week (UTC) are fewest providers there?  The mean number of providers in
-- that hour, over the window of the last features rollup.

SELECT (ARRAY['Sun', 'Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat'])[m.day + 1] AS day,
	m.hour,
	round(sum(m.availability)::numeric, 1) AS providers
FROM provider_availability_matrix m
GROUP BY m.day, m.hour
ORDER BY sum(m.availability), m.day, m.hour
LIMIT 10;
