/* junit.c: the outcomes as JUnit's XML, which most CI systems show. */
#include "farm.h"
#include "xml.h"

#include <apr_time.h>

/* "2026-11-26T00:52:23", in UTC. */
static void
date_put(FILE *file, apr_time_t date)
{
    apr_time_exp_t parts;

    if (apr_time_exp_gmt(&parts, date) == APR_SUCCESS) {
        fprintf(file, " timestamp=\"%04d-%02d-%02dT%02d:%02d:%02d\"",
                parts.tm_year + 1900, parts.tm_mon + 1, parts.tm_mday,
                parts.tm_hour, parts.tm_min, parts.tm_sec);
    }
}

/* Those that ended as tests that fail do, and those that ended otherwise. */
static void
counts_put(FILE *file, const farm_t *farm)
{
    int failed = farm->counts[FAILED];

    fprintf(file,
            " tests=\"%d\" failures=\"%d\" errors=\"%d\" skipped=\"%d\""
            " time=\"%.3f\"",
            farm->tests->nelts, failed, farm_failures(farm) - failed,
            farm->counts[SKIPPED],
            (double)(farm->ended - farm->began) / APR_USEC_PER_SEC);
}

static void
output_put(FILE *file, const attempt_t *attempt)
{
    if (attempt->output_size > 0) {
        fputs("      <system-out>", file);
        xml_put(file, attempt->output, attempt->output_size);
        fputs("</system-out>\n", file);
    }
}

static void
testcase_put(FILE *file, const farm_t *farm, const attempt_t *attempt)
{
    const char *element = attempt->outcome == FAILED ? "failure" : "error";

    fputs("    <testcase classname=\"buildfarm\" name=\"", file);
    xml_puts(file, attempt_test(farm, attempt)->name);
    fprintf(file, "\" time=\"%.3f\">\n", attempt_seconds(attempt));
    if (attempt->number > 1) {
        fprintf(file,
                "      <properties><property name=\"attempts\" value=\"%d\"/>"
                "</properties>\n",
                attempt->number);
    }
    if (attempt->outcome == SKIPPED) {
        fputs("      <skipped/>\n", file);
    }
    else if (attempt->outcome != PASSED) {
        fprintf(file, "      <%s type=\"%s\" message=\"", element,
                outcome_name(attempt->outcome));
        xml_puts(file, attempt->why);
        fputs("\"/>\n", file);
    }
    output_put(file, attempt);
    fputs("    </testcase>\n", file);
}

int
junit_write(const farm_t *farm, const char *path)
{
    const attempt_t *attempts = (const attempt_t *)farm->attempts->elts;
    FILE *file = xml_open(path);
    int i;

    if (file == NULL) {
        return 0;
    }
    fputs("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites", file);
    counts_put(file, farm);
    fputs(">\n  <testsuite name=\"buildfarm\"", file);
    counts_put(file, farm);
    date_put(file, farm->date);
    fputs(">\n", file);
    for (i = 0; i < farm->attempts->nelts; i++) {
        if (attempts[i].last) {
            testcase_put(file, farm, attempts + i);
        }
    }
    fputs("  </testsuite>\n</testsuites>\n", file);
    return xml_close(file, path);
}
