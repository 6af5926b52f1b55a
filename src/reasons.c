/*-------------------------------------------------------------------------
 *
 * reasons.c
 *		Disconnect reasons as small numbers, and tallies of them.
 *
 * A fleet has the same few reasons, so all groups that one call site aggregates share a
 * table of them: it stays in the processor's cache, where a table for each provider
 * would not.  The shared table is bounded in number and length.  Where reasons differ
 * each time, the others stand in a table of their group, and go with the group.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "common/hashfn.h"
#include "utils/memutils.h"
#include "utils/numeric.h"

#include "compat.h"
#include "reasons.h"
#include "settings.h"

#define INITIAL_REASONS		8
#define INITIAL_REASON_BYTES 256
#define HASH_REASONS_ABOVE	16	/* fewer reasons are compared one by one */
#define MAX_SHARED_REASON_BYTES 256

#define UNSPECIFIED_REASON	"unspecified"

/* Where the bytes of a reason stand in ReasonTable.bytes */
typedef struct Reason
{
	Size		offset;
	Size		len;
} Reason;

struct reasonhash_hash;

/* Distinct reasons, numbered from 0 */
struct ReasonTable
{
	MemoryContext context;
	int			nreasons;
	int			capacity;
	Reason	   *reasons;
	Size		bytes_used;
	Size		bytes_capacity;
	char	   *bytes;
	struct reasonhash_hash *hash;	/* NULL while the reasons are few */
};

/* Index of the reasons by text.  The key is a reason's number; see InternInTable */
typedef struct ReasonHashEntry
{
	int32		reason;
	uint32		hash;
	char		status;
} ReasonHashEntry;

static inline const char *
ReasonText(const ReasonTable *table, int32 reason)
{
	return table->bytes + table->reasons[reason].offset;
}

static inline uint32
HashReason(const ReasonTable *table, int32 reason)
{
	return hash_bytes((const unsigned char *) ReasonText(table, reason),
					  (int) table->reasons[reason].len);
}

static inline bool
ReasonIs(const ReasonTable *table, int32 reason, const char *text, Size len)
{
	return table->reasons[reason].len == len &&
		memcmp(ReasonText(table, reason), text, len) == 0;
}

static inline bool
EqualReasons(const ReasonTable *table, int32 a, int32 b)
{
	return ReasonIs(table, a, ReasonText(table, b), table->reasons[b].len);
}

#define SH_PREFIX reasonhash
#define SH_ELEMENT_TYPE ReasonHashEntry
#define SH_KEY_TYPE int32
#define SH_KEY reason
#define SH_HASH_KEY(tb, key) HashReason((const ReasonTable *) (tb)->private_data, key)
#define SH_EQUAL(tb, a, b) EqualReasons((const ReasonTable *) (tb)->private_data, a, b)
#define SH_STORE_HASH
#define SH_GET_HASH(tb, a) (a)->hash
#define SH_SCOPE static inline
#define SH_DECLARE
#define SH_DEFINE
#include "lib/simplehash.h"

static ReasonTable *
MakeReasonTable(MemoryContext context)
{
	MemoryContext oldcontext = MemoryContextSwitchTo(context);
	ReasonTable *table = (ReasonTable *) palloc(sizeof(ReasonTable));

	table->context = context;
	table->nreasons = 0;
	table->capacity = INITIAL_REASONS;
	table->reasons = (Reason *) palloc(INITIAL_REASONS * sizeof(Reason));
	table->bytes_used = 0;
	table->bytes_capacity = INITIAL_REASON_BYTES;
	table->bytes = (char *) palloc(INITIAL_REASON_BYTES);
	table->hash = NULL;

	MemoryContextSwitchTo(oldcontext);
	return table;
}

/* The shared table of a call site lives as long as the query, longer than any group */
ReasonTable *
liveness_shared_reasons(FunctionCallInfo fcinfo)
{
	if (fcinfo->flinfo->fn_extra == NULL)
		fcinfo->flinfo->fn_extra = MakeReasonTable(fcinfo->flinfo->fn_mcxt);
	return (ReasonTable *) fcinfo->flinfo->fn_extra;
}

/* Put a text behind the reasons; it is a reason only once KeepReason counts it */
static void
AppendReason(ReasonTable *table, const char *text, Size len)
{
	if (table->nreasons == table->capacity)
	{
		table->capacity *= 2;
		table->reasons = (Reason *)
			repalloc_huge(table->reasons, table->capacity * sizeof(Reason));
	}
	if (table->bytes_capacity - table->bytes_used < len)
	{
		while (table->bytes_capacity - table->bytes_used < len)
			table->bytes_capacity *= 2;
		table->bytes = (char *) repalloc_huge(table->bytes, table->bytes_capacity);
	}

	memcpy(table->bytes + table->bytes_used, text, len);
	table->reasons[table->nreasons].offset = table->bytes_used;
	table->reasons[table->nreasons].len = len;
}

static int32
KeepReason(ReasonTable *table)
{
	if (table->nreasons == PG_INT32_MAX / 4)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("too many different disconnect reasons"),
				 errhint("A reason is one of a few words: keep what differs each time elsewhere.")));
	table->bytes_used += table->reasons[table->nreasons].len;
	return table->nreasons++;
}

/*
 * The number of a reason in a table, a new one if the reason is new; -1 if it is new and
 * the table is full.
 *
 * A few reasons, which is all that fleets have, are compared one by one.  More of them
 * are hashed.  A text to look up is appended first, so that the hash table knows texts by
 * number alone; if the text was there already, the next one overwrites it.
 */
static int32
InternInTable(ReasonTable *table, const char *text, Size len, int max_reasons)
{
	ReasonHashEntry *entry;
	bool		found;

	if (table->hash == NULL)
	{
		for (int32 i = 0; i < table->nreasons; i++)
		{
			if (ReasonIs(table, i, text, len))
				return i;
		}
		AppendReason(table, text, len);
		if (table->nreasons < HASH_REASONS_ABOVE)
			return KeepReason(table);

		table->hash = reasonhash_create(table->context, 4 * HASH_REASONS_ABOVE, table);
		for (int32 i = 0; i < table->nreasons; i++)
			(void) reasonhash_insert(table->hash, i, &found);
	}
	else
		AppendReason(table, text, len);

	if (table->nreasons >= max_reasons)
	{
		entry = reasonhash_lookup(table->hash, table->nreasons);
		return entry ? entry->reason : -1;
	}
	entry = reasonhash_insert(table->hash, table->nreasons, &found);
	if (found)
		return entry->reason;
	return KeepReason(table);
}

/* The number of a reason in a set; a table of the set's own lives in the context */
int32
liveness_intern_reason(ReasonSet *set, MemoryContext context, const char *text, Size len)
{
	if (set->shared && len <= MAX_SHARED_REASON_BYTES)
	{
		int32		reason = InternInTable(set->shared, text, len, MAX_SHARED_REASONS);

		if (reason >= 0)
			return reason;
	}
	if (set->own == NULL)
		set->own = MakeReasonTable(context);
	return MAX_SHARED_REASONS + InternInTable(set->own, text, len, PG_INT32_MAX);
}

/* The numbers of a set are below this */
int
liveness_reasons_end(const ReasonSet *set)
{
	return MAX_SHARED_REASONS + (set->own ? set->own->nreasons : 0);
}

bool
liveness_has_reason(const ReasonSet *set, int32 reason)
{
	if (reason >= MAX_SHARED_REASONS)
		return reason < liveness_reasons_end(set);
	return reason >= 0 && set->shared && reason < set->shared->nreasons;
}

const char *
liveness_reason_text(const ReasonSet *set, int32 reason, Size *len)
{
	const ReasonTable *table = set->shared;

	if (reason >= MAX_SHARED_REASONS)
	{
		table = set->own;
		reason -= MAX_SHARED_REASONS;
	}
	*len = table->reasons[reason].len;
	return ReasonText(table, reason);
}

bool
liveness_reason_number_is_censored(const ReasonSet *set, int32 reason)
{
	Size		len;
	const char *text = liveness_reason_text(set, reason, &len);

	return liveness_reason_is_censored(text, len);
}

/* Have the tally hold a number for each reason of a set */
void
liveness_prepare_tally(ReasonTally *tally, MemoryContext context, const ReasonSet *set)
{
	int			end = liveness_reasons_end(set);
	int			capacity = Max(tally->capacity, MAX_SHARED_REASONS);

	Assert(tally->ntouched == 0);
	if (tally->capacity >= end)
		return;
	while (capacity < end)
		capacity *= 2;
	if (tally->capacity > 0)
	{
		pfree(tally->touched);
		pfree(tally->numbers);
		pfree(tally->censored);
	}
	tally->touched = (int32 *) MemoryContextAllocHuge(context, capacity * sizeof(int32));
	tally->numbers = (int64 *) MemoryContextAllocHuge(context, capacity * sizeof(int64));
	memset(tally->numbers, 0, capacity * sizeof(int64));
	tally->censored = (bool *) MemoryContextAllocHuge(context, capacity * sizeof(bool));
	tally->capacity = capacity;
}

void
liveness_clear_tally(ReasonTally *tally)
{
	for (int i = 0; i < tally->ntouched; i++)
		tally->numbers[tally->touched[i]] = 0;
	tally->ntouched = 0;
}

static void
PushReason(JsonbInState *object, const char *text, Size len, int64 count)
{
	JsonbValue	key;
	JsonbValue	value;

	key.type = jbvString;
	key.val.string.val = unconstify(char *, text);
	key.val.string.len = (int) len;
	value.type = jbvNumeric;
	value.val.numeric = int64_to_numeric(count);
	pushJsonbValue(object, WJB_KEY, &key);
	pushJsonbValue(object, WJB_VALUE, &value);
}

/* A jsonb object of reasons and their numbers */
Jsonb *
liveness_tally_jsonb(const ReasonSet *set, const ReasonTally *tally)
{
	JsonbInState object = {0};
	bool		nameless = false;
	int64		unspecified = 0;

	pushJsonbValue(&object, WJB_BEGIN_OBJECT, NULL);
	for (int i = 0; i < tally->ntouched; i++)
	{
		int32		reason = tally->touched[i];
		Size		len;
		const char *text = liveness_reason_text(set, reason, &len);

		/* '' goes by a name that a coordinator may have written as well */
		if (len == 0 || (len == strlen(UNSPECIFIED_REASON) &&
						 memcmp(text, UNSPECIFIED_REASON, len) == 0))
		{
			nameless = true;
			unspecified += tally->numbers[reason];
		}
		else
			PushReason(&object, text, len, tally->numbers[reason]);
	}
	if (nameless)
		PushReason(&object, UNSPECIFIED_REASON, strlen(UNSPECIFIED_REASON), unspecified);
	pushJsonbValue(&object, WJB_END_OBJECT, NULL);
	return JsonbValueToJsonb(object.result);
}
