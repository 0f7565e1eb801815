/*
 * timeline.c: who ran when, as one page of SVG.
 *
 * A lane for each worker, a bar for each attempt, its colour its outcome.
 * Which worker ran what does not matter, nor is it known of those that died:
 * lanes are dealt out so that no two bars overlap, which never takes more
 * lanes than there were workers at a time.
 */
#include "farm.h"
#include "xml.h"

#include <stdlib.h>
#include <string.h>

#define WIDTH 1120.0
#define LEFT 40.0
#define TOP 76.0
#define LANES_HEIGHT 560.0 /* at most */
#define LETTER 6.0         /* the width of one, about */

enum {
    SLOWEST = 8
};

static const char *const colours[OUTCOMES] = {"#7bb274", "#c4c4c4", "#d9534f",
                                              "#8e44ad", "#f0932b", "#555555",
                                              "#000000"};

typedef struct page_t {
    FILE *file;
    const farm_t *farm;
    const attempt_t **bars; /* by their beginning */
    int *lane_of;
    int count, lanes;
    double seconds, scale, lane; /* all; pixels for one; a lane's height */
} page_t;

static int
by_beginning(const void *a, const void *b)
{
    const attempt_t *one = *(const attempt_t *const *)a;
    const attempt_t *other = *(const attempt_t *const *)b;

    return one->began < other->began ? -1 : one->began > other->began;
}

static int
by_length(const void *a, const void *b)
{
    double one = attempt_seconds(*(const attempt_t *const *)a);
    double other = attempt_seconds(*(const attempt_t *const *)b);

    return one > other ? -1 : one < other;
}

static void
lanes_deal(page_t *page, apr_pool_t *pool)
{
    apr_time_t *ends =
        apr_pcalloc(pool, ((apr_size_t)page->count + 1) * sizeof *ends);
    int i, lane;

    for (i = 0; i < page->count; i++) {
        for (lane = 0; lane < page->lanes && ends[lane] > page->bars[i]->began;
             lane++) {
        }
        if (lane == page->lanes) {
            page->lanes++;
        }
        ends[lane] = page->bars[i]->ended;
        page->lane_of[i] = lane;
    }
}

static void
page_init(page_t *page, FILE *file, const farm_t *farm)
{
    apr_pool_t *pool = farm->pool;
    const attempt_t *attempts = (const attempt_t *)farm->attempts->elts;
    apr_size_t count = (apr_size_t)farm->attempts->nelts;
    int i;

    memset(page, 0, sizeof *page);
    page->file = file;
    page->farm = farm;
    page->bars = apr_pcalloc(pool, (count + 1) * sizeof(*page->bars));
    page->lane_of = apr_pcalloc(pool, (count + 1) * sizeof(int));
    for (i = 0; i < (int)count; i++) {
        if (attempts[i].ended > attempts[i].began) {
            page->bars[page->count++] = attempts + i;
        }
    }
    qsort(page->bars, (size_t)page->count, sizeof(*page->bars), by_beginning);
    lanes_deal(page, pool);
    page->seconds = (double)(farm->ended - farm->began) / APR_USEC_PER_SEC;
    if (page->seconds < 1e-3) {
        page->seconds = 1e-3;
    }
    page->scale = (WIDTH - LEFT - 20) / page->seconds;
    page->lane = LANES_HEIGHT / (page->lanes > 0 ? page->lanes : 1);
    if (page->lane > 26) {
        page->lane = 26;
    }
}

static void
text_begin(FILE *file, double x, double y, const char *more)
{
    fprintf(file, "<text x=\"%.1f\" y=\"%.1f\"%s>", x, y, more);
}

static void
head_put(const page_t *page)
{
    const farm_t *farm = page->farm;
    double x = LEFT, busy = 0;
    int i;

    for (i = 0; i < page->count; i++) {
        busy += attempt_seconds(page->bars[i]);
    }
    text_begin(page->file, LEFT, 24, " font-size=\"16\" font-weight=\"bold\"");
    fprintf(
        page->file,
        "%d tests in %.2f s by %d workers, busy %.0f%% of the time</text>\n",
        farm->tests->nelts, page->seconds, farm->jobs,
        100 * busy / page->seconds / farm->jobs);
    for (i = 0; i < OUTCOMES; i++) {
        if (farm->counts[i] > 0) {
            fprintf(page->file,
                    "<rect x=\"%.1f\" y=\"36\" width=\"12\" height=\"12\" "
                    "fill=\"%s\"/>\n",
                    x, colours[i]);
            text_begin(page->file, x + 17, 46, "");
            fprintf(page->file, "%d %s</text>\n", farm->counts[i],
                    outcome_name((outcome_e)i));
            x += 110;
        }
    }
}

/* A line each 1, 2 or 5 times a power of ten seconds, some ten of them. */
static void
axis_put(const page_t *page)
{
    double step = 1e-4, at, bottom = TOP + page->lane * page->lanes;
    int i;

    for (i = 0; page->seconds / step > 12; i++) {
        step *= i % 3 == 1 ? 2.5 : 2;
    }
    for (at = 0; at <= page->seconds; at += step) {
        double x = LEFT + at * page->scale;

        fprintf(page->file,
                "<line x1=\"%.1f\" y1=\"%.1f\" x2=\"%.1f\" y2=\"%.1f\" "
                "stroke=\"#ddd\"/>\n",
                x, TOP - 4, x, bottom);
        text_begin(page->file, x, TOP - 8, " text-anchor=\"middle\"");
        fprintf(page->file, "%g s</text>\n", at);
    }
    for (i = 0; i < page->lanes && page->lane > 10; i++) {
        text_begin(page->file, LEFT - 8, TOP + (i + 0.5) * page->lane + 4,
                   " text-anchor=\"end\"");
        fprintf(page->file, "%d</text>\n", i + 1);
    }
}

/* Its name is in it as far as there is room; all is told to who points at
 * it. */
static void
bar_put(const page_t *page, int i)
{
    const attempt_t *bar = page->bars[i];
    const char *name = attempt_test(page->farm, bar)->name;
    double x = LEFT + (double)(bar->began - page->farm->began) /
                          APR_USEC_PER_SEC * page->scale;
    double width = attempt_seconds(bar) * page->scale;
    double y = TOP + page->lane_of[i] * page->lane;
    apr_size_t room = width > 2 * LETTER ? (apr_size_t)(width / LETTER) - 1 : 0;

    if (width < 0.5) {
        width = 0.5;
    }
    fputs("<g><title>", page->file);
    xml_puts(page->file, name);
    fprintf(page->file, ": %s, %.3f s", outcome_name(bar->outcome),
            attempt_seconds(bar));
    if (bar->number > 1) {
        fprintf(page->file, ", attempt %d", bar->number);
    }
    fprintf(page->file,
            "</title><rect x=\"%.1f\" y=\"%.1f\" width=\"%.2f\" "
            "height=\"%.1f\" fill=\"%s\"%s/>",
            x, y + 1, width, page->lane > 3 ? page->lane - 2 : page->lane,
            colours[bar->outcome], bar->last ? "" : " fill-opacity=\"0.5\"");
    if (page->lane > 12 && (room >= 12 || room >= strlen(name))) {
        text_begin(page->file, x + 3, y + page->lane / 2 + 4,
                   bar->outcome == PASSED || bar->outcome == SKIPPED
                       ? ""
                       : " fill=\"white\"");
        while (strlen(name) > room && room > 0 &&
               ((unsigned char)name[room] & 0xc0) == 0x80) {
            room--; /* not in the middle of a character */
        }
        xml_put(page->file, name, strlen(name) < room ? strlen(name) : room);
        fputs("</text>", page->file);
    }
    fputs("</g>\n", page->file);
}

static void
slowest_put(const page_t *page, double y)
{
    int i;

    qsort(page->bars, (size_t)page->count, sizeof(*page->bars), by_length);
    text_begin(page->file, LEFT, y, " font-weight=\"bold\"");
    fputs("The longest</text>\n", page->file);
    for (i = 0; i < page->count && i < SLOWEST; i++) {
        const attempt_t *bar = page->bars[i];

        y += 16;
        fprintf(page->file,
                "<rect x=\"%.1f\" y=\"%.1f\" width=\"8\" height=\"8\" "
                "fill=\"%s\"/>\n",
                LEFT, y - 8, colours[bar->outcome]);
        text_begin(page->file, LEFT + 80, y, " text-anchor=\"end\"");
        fprintf(page->file, "%.3f s</text>\n", attempt_seconds(bar));
        text_begin(page->file, LEFT + 92, y, "");
        xml_puts(page->file, attempt_test(page->farm, bar)->name);
        fputs("</text>\n", page->file);
    }
}

int
timeline_write(const farm_t *farm, const char *path)
{
    FILE *file = xml_open(path);
    double bottom, height;
    page_t page;
    int i;

    if (file == NULL) {
        return 0;
    }
    page_init(&page, file, farm);
    bottom = TOP + page.lane * page.lanes + 30;
    height = bottom + 16 * (SLOWEST + 1);
    fprintf(file,
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
            "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%.0f\" "
            "height=\"%.0f\" viewBox=\"0 0 %.0f %.0f\" "
            "font-family=\"sans-serif\" font-size=\"11\">\n"
            "<rect width=\"100%%\" height=\"100%%\" fill=\"white\"/>\n",
            WIDTH, height, WIDTH, height);
    head_put(&page);
    axis_put(&page);
    for (i = 0; i < page.count; i++) {
        bar_put(&page, i);
    }
    slowest_put(&page, bottom);
    fputs("</svg>\n", file);
    return xml_close(file, path);
}
