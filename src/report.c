/*-------------------------------------------------------------------------
 *
 * report.c
 *		Text for a page of HTML, whatever the text is.
 *
 * The result is ASCII: what is beyond goes by its number.  So a page means the same
 * in every encoding of database, client and file, and nothing in a text can leave
 * the place it was put in, inside of an element or of a quoted attribute.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/namespace.h"
#include "fmgr.h"
#include "lib/stringinfo.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "utils/builtins.h"

#include "liveness.h"

#define REPLACEMENT_CHARACTER	0xFFFD

/* Characters that nobody sees, or that turn others around, and those that HTML forbids */
static const struct
{
	pg_wchar	first;
	pg_wchar	last;
}			hidden[] = {
	{0x0000, 0x001F},			/* C0 */
	{0x007F, 0x009F},			/* DEL, C1 */
	{0x00AD, 0x00AD},			/* soft hyphen */
	{0x061C, 0x061C},			/* Arabic letter mark */
	{0x180E, 0x180E},			/* Mongolian vowel separator */
	{0x200B, 0x200B},			/* zero width space; the joiners that follow are parts of words */
	{0x200E, 0x200F},			/* direction marks */
	{0x2028, 0x202E},			/* separators, embeddings, overrides */
	{0x2060, 0x206F},			/* word joiner, isolates */
	{0xFDD0, 0xFDEF},			/* noncharacters */
	{0xFEFF, 0xFEFF},			/* byte order mark */
	{0xFFF9, 0xFFFB},			/* interlinear annotation */
	{0xE0000, 0xE007F}			/* tags */
};

static bool
IsHidden(pg_wchar c)
{
	for (size_t i = 0; i < lengthof(hidden); i++)
	{
		if (c >= hidden[i].first && c <= hidden[i].last)
			return true;
	}
	return (c & 0xFFFE) == 0xFFFE;	/* the last two of each plane are noncharacters */
}

/*
 * The character of len bytes of the database's encoding, in Unicode.  SQL_ASCII does
 * not say what its upper half means.
 */
static pg_wchar
CodePoint(const unsigned char *s, int len, int encoding, Oid conversion)
{
	unsigned char utf8[MAX_CONVERSION_GROWTH * MAX_MULTIBYTE_CHAR_LEN + 1];

	if (!IS_HIGHBIT_SET(*s))
		return *s;
	if (encoding == PG_UTF8)
		return utf8_to_unicode(s);
	if (!OidIsValid(conversion) ||
		pg_do_encoding_conversion_buf(conversion, encoding, PG_UTF8, unconstify(unsigned char *, s),
									  len, utf8, sizeof(utf8), true) != len)
		return REPLACEMENT_CHARACTER;
	return utf8_to_unicode(utf8);
}

static void
AppendCharacter(StringInfo html, pg_wchar c)
{
	switch (c)
	{
		case '&':
			appendStringInfoString(html, "&amp;");
			break;
		case '<':
			appendStringInfoString(html, "&lt;");
			break;
		case '>':
			appendStringInfoString(html, "&gt;");
			break;
		case '"':
			appendStringInfoString(html, "&quot;");
			break;
		case '\'':
			appendStringInfoString(html, "&#39;");
			break;
		default:
			if (IsHidden(c))
				appendStringInfo(html, c > 0xFFFF ? "\\U%08X" : "\\u%04X", (unsigned int) c);
			else if (c < 0x80)
				appendStringInfoCharMacro(html, (char) c);
			else
				appendStringInfo(html, "&#%u;", (unsigned int) c);
	}
}

/*
 * liveness_html_escape(value text, max_chars int)
 */
PG_FUNCTION_INFO_V1(liveness_html_escape);
Datum
liveness_html_escape(PG_FUNCTION_ARGS)
{
	int			encoding = GetDatabaseEncoding();
	int32		max_chars = PG_INT32_MAX;
	Oid			conversion = InvalidOid;
	int64		max_bytes;
	text	   *value;
	const unsigned char *s;
	const unsigned char *end;
	StringInfoData html;

	if (PG_ARGISNULL(0))
		PG_RETURN_NULL();
	if (!PG_ARGISNULL(1))
		max_chars = PG_GETARG_INT32(1);
	if (max_chars < 1)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("max_chars must be at least 1, and is %d", max_chars),
				 errhint("Give the number of characters to keep, or NULL for all.")));

	/* of a long text no more is read than is shown, and one character that tells there is more */
	max_bytes = ((int64) max_chars + 1) * pg_database_encoding_max_length();
	value = PG_GETARG_TEXT_P_SLICE(0, 0, (int32) Min(max_bytes, PG_INT32_MAX));
	s = (const unsigned char *) VARDATA_ANY(value);
	end = s + VARSIZE_ANY_EXHDR(value);
	if (encoding != PG_UTF8 && encoding != PG_SQL_ASCII)
		conversion = FindDefaultConversionProc(encoding, PG_UTF8);

	initStringInfo(&html);
	while (s < end && max_chars-- > 0)
	{
		int			len = pg_encoding_verifymbchar(encoding, (const char *) s, (int) (end - s));

		CHECK_FOR_INTERRUPTS();
		if (len > 0)
			AppendCharacter(&html, CodePoint(s, len, encoding, conversion));
		else
		{
			/* a corrupt value; never step over what may be markup */
			AppendCharacter(&html, REPLACEMENT_CHARACTER);
			len = 1;
		}
		s += len;
	}
	if (s < end)
		appendStringInfoString(&html, "&#8230;");
	PG_RETURN_TEXT_P(cstring_to_text_with_len(html.data, html.len));
}
