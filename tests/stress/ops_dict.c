/*
 * ops_dict.c: the dict, killed at each instruction.
 *
 * Each kill has a dict of its own. Afterwards it must agree with itself, and
 * what the victim was at is as before or as it was to be.
 */
#include "step.h"

#include <stdio.h>
#include <string.h>

#include <mproc/dict.h>
#include <mproc/error.h>

#include "../support/store_check.h"

enum {
    NONE,
    SHORT, /* replaced by the journal */
    LONG,  /* in another cell */
    BOX,   /* with an object */
    KINDS
};

#define OTHERS 5 /* keys that stay as they are */

/* What an operation starts from, and may end with. */
typedef struct dict_case_t {
    int others;   /* keys beside the victim's */
    int old, new; /* kinds of the victim's value */
} dict_case_t;

static mproc_dict_t *dict;
static dict_case_t now;

/* ---------------------------------------------------------- before and after
 */

static void
must(const char *what, apr_status_t rv)
{
    if (rv != APR_SUCCESS) {
        stress_fault(STRESS_LOST, "%s: %s got status %d: %s", step_name, what,
                     rv, mproc_error_detail());
    }
}

static apr_status_t
value_set(step_stage_t *stage, const char *key, int kind, int letter)
{
    char text[300];

    memset(text, letter, sizeof text);
    text[kind == LONG ? 200 + letter % 50 : 10] = '\0';
    return kind == BOX ? mproc_dict_setf(dict, key, "[s o]", text, stage->event)
                       : mproc_dict_setf(dict, key, "[s]", text);
}

/* Which letter the value of a key consists of; 0: there is none. */
static int
value_get(const char *key, int *kind)
{
    const char *text = NULL;
    mproc_event_t *event;
    apr_pool_t *pool;
    apr_status_t rv;
    int letter = 0;
    size_t size, i;

    apr_pool_create(&pool, NULL);
    *kind = BOX;
    rv = mproc_dict_getf(dict, key, pool, "[s o]", &text, &event);
    if (rv == MPROC_EFORMAT) {
        *kind = SHORT;
        rv = mproc_dict_getf(dict, key, pool, "[s]", &text);
    }
    if (rv == APR_NOTFOUND) {
        *kind = NONE;
    }
    else if (rv != APR_SUCCESS) {
        must("a get", rv);
    }
    else {
        size = strlen(text);
        letter = text[0];
        *kind = *kind == SHORT && size > 10 ? LONG : *kind;
        for (i = 0; i < size; i++) {
            letter = text[i] == letter ? letter : 'X';
        }
        if (size != (size_t)(*kind == LONG ? 200 + letter % 50 : 10)) {
            letter = 'X';
        }
    }
    apr_pool_destroy(pool);
    return letter;
}

static void
dict_set(step_stage_t *stage, const dict_case_t *of)
{
    char key[16];
    int i;

    now = *of;
    must("a create", mproc_dict_create(&dict, NULL));
    for (i = 0; i < now.others; i++) {
        snprintf(key, sizeof key, "k%d", i);
        must("a set", value_set(stage, key, SHORT + i % 3, 'k' + i % 10));
    }
    if (now.old != NONE) {
        must("a set", value_set(stage, "victim", now.old, 'o'));
    }
}

static void
others_check(void)
{
    char key[16];
    int i, kind;

    for (i = 0; i < now.others; i++) {
        snprintf(key, sizeof key, "k%d", i);
        if (value_get(key, &kind) != 'k' + i % 10 || kind != SHORT + i % 3) {
            stress_fault(STRESS_TORN, "%s: another key has a wrong value",
                         step_name);
        }
    }
}

/* It can be used, and then goes. */
static void
dict_end(step_stage_t *stage)
{
    const char *wrong = dict_whole(dict);
    int kind;

    if (wrong == NULL) {
        must("a set", value_set(stage, "new", SHORT, 'n'));
        must("a set", value_set(stage, "new", BOX, 'm'));
        if (value_get("new", &kind) != 'm' || kind != BOX) {
            stress_fault(STRESS_LOST, "%s: what is set is not there",
                         step_name);
        }
        wrong = dict_whole(dict);
    }
    if (wrong != NULL) {
        step_wrong(STRESS_TORN, wrong);
    }
    mproc_dict_destroy(dict);
    dict = NULL;
}

static void
dict_check(step_stage_t *stage)
{
    int kind, letter = value_get("victim", &kind);

    if (!(letter == (now.old == NONE ? 0 : 'o') && kind == now.old) &&
        !(letter == (now.new == NONE ? 0 : 'w') && kind == now.new)) {
        stress_fault(STRESS_TORN, "%s: neither old nor new: %c, %d", step_name,
                     letter == 0 ? '-' : letter, kind);
    }
    others_check();
    dict_end(stage);
}

/* ------------------------------------------------------------------ victims
 */

static void
set_run(step_stage_t *stage)
{
    step_expect(value_set(stage, "victim", now.new, 'w'));
}

static void
remove_run(step_stage_t *stage)
{
    (void)stage;
    step_expect(mproc_dict_remove(dict, "victim"));
}

static void
pop_run(step_stage_t *stage)
{
    mproc_bytes_t key, value;

    step_expect(mproc_dict_popitem(dict, &key, &value, stage->pool));
}

static void
get_run(step_stage_t *stage)
{
    const char *text;
    mproc_event_t *event;

    step_expect(
        mproc_dict_getf(dict, "victim", stage->pool, "[s o]", &text, &event));
}

static void
read_run(step_stage_t *stage)
{
    mproc_dict_pair_t *pairs;
    apr_size_t count;

    step_expect(mproc_dict_snapshot(dict, &pairs, &count, stage->pool));
}

static void
create_run(step_stage_t *stage)
{
    mproc_dict_t *own;

    step_expect(mproc_dict_create(&own, NULL));
    step_expect(mproc_dict_setf(own, "a", "o", stage->event));
    mproc_dict_destroy(own);
}

static void
clear_run(step_stage_t *stage)
{
    (void)stage;
    step_expect(mproc_dict_clear(dict));
}

/* All or nothing. */
static void
clear_check(step_stage_t *stage)
{
    if (mproc_dict_size(dict) != 0) {
        dict_check(stage);
        return;
    }
    dict_end(stage);
}

#define CASE(name, others, old, new)                                           \
    static void name##_set(step_stage_t *stage)                                \
    {                                                                          \
        static const dict_case_t of = {others, old, new};                      \
        dict_set(stage, &of);                                                  \
    }

/* 64 buckets: one more entry splits one. */
CASE(first, 0, NONE, SHORT)
CASE(insert, OTHERS, NONE, SHORT)
CASE(split, 64, NONE, LONG)
CASE(insert_box, OTHERS, NONE, BOX)
CASE(replace, OTHERS, SHORT, SHORT)
CASE(longer, OTHERS, SHORT, LONG)
CASE(exchange, OTHERS, LONG, LONG)
CASE(box, OTHERS, LONG, BOX)
CASE(unbox, OTHERS, BOX, SHORT)
CASE(rebox, OTHERS, BOX, BOX)
CASE(drop, OTHERS, LONG, NONE)
CASE(drop_box, OTHERS, BOX, NONE)
CASE(look, OTHERS, BOX, BOX)

/* The last entry of a dict that was large once. */
static void
last_set(step_stage_t *stage)
{
    static const dict_case_t of = {0, SHORT, NONE};
    char key[16];
    int i;

    dict_set(stage, &of);
    for (i = 0; i < 400; i++) {
        snprintf(key, sizeof key, "l%d", i);
        must("a set", value_set(stage, key, LONG, 'l'));
    }
    for (i = 0; i < 400; i++) {
        snprintf(key, sizeof key, "l%d", i);
        must("a remove", mproc_dict_remove(dict, key));
    }
}

/* ------------------------------------------------- another died before that
 */

/* After the commit of a new table; a box was filled and not committed. */
static void
commit_main(void *baton)
{
    step_stage_t *stage = baton;
    mproc__store_use_t *use = (mproc__store_use_t *)(void *)dict;
    apr_uint32_t number;
    void *table, *old;

    if (mproc__actor() == 0 ||
        mproc__store_lock(use, "commit") != APR_SUCCESS ||
        mproc__store_table(use, &old, 0, 256) != APR_SUCCESS ||
        mproc__store_box_take(use, stage->handle, &number) != APR_SUCCESS ||
        mproc__store_stage(use, &table, 256) != APR_SUCCESS) {
        return;
    }
    mproc__journal_drop(use);
    memcpy(table, old, 256);
    mproc__store_replace(use);
    atomic_store(&mproc__store_of(use)->committed, use->pending);
}

/* In the middle of a split. */
static void
split_main(void *baton)
{
    mproc__store_use_t *use = (mproc__store_use_t *)(void *)dict;
    void *table;

    (void)baton;
    if (mproc__actor() == 0 || mproc__store_lock(use, "split") != APR_SUCCESS ||
        mproc__store_table(use, &table, 1, 256) != APR_SUCCESS) {
        return;
    }
    *(apr_uint32_t *)table = 0;
    mproc__journal_put(use, &use->content->buckets, 65);
    mproc__journal_put(use, &use->content->splitting, 1);
    mproc__journal_commit(use);
}

static void
commit_set(step_stage_t *stage)
{
    static const dict_case_t of = {OTHERS, SHORT, BOX};

    dict_set(stage, &of);
    stage->dead = step_dead_child(commit_main, stage);
}

static void
half_split_set(step_stage_t *stage)
{
    static const dict_case_t of = {60, SHORT, SHORT};

    dict_set(stage, &of);
    stage->dead = step_dead_child(split_main, stage);
}

#define VICTIM(name, begin, act, end)                                          \
    static const step_operation_t name = {                                     \
        .set = begin, .run = act, .check = end}

VICTIM(first, first_set, set_run, dict_check);
VICTIM(insert, insert_set, set_run, dict_check);
VICTIM(split, split_set, set_run, dict_check);
VICTIM(insert_box, insert_box_set, set_run, dict_check);
VICTIM(replace, replace_set, set_run, dict_check);
VICTIM(longer, longer_set, set_run, dict_check);
VICTIM(exchange, exchange_set, set_run, dict_check);
VICTIM(box, box_set, set_run, dict_check);
VICTIM(unbox, unbox_set, set_run, dict_check);
VICTIM(rebox, rebox_set, set_run, dict_check);
VICTIM(drop, drop_set, remove_run, dict_check);
VICTIM(drop_box, drop_box_set, remove_run, dict_check);
VICTIM(last, last_set, remove_run, dict_check);
VICTIM(popitem, drop_box_set, pop_run, dict_check);
VICTIM(get, look_set, get_run, dict_check);
VICTIM(snapshot, look_set, read_run, dict_check);
VICTIM(create, look_set, create_run, dict_check);
VICTIM(clear, look_set, clear_run, clear_check);
VICTIM(commit, commit_set, set_run, dict_check);
VICTIM(half_split, half_split_set, set_run, dict_check);

const stress_scenario_t stress_dict_scenarios[] = {
    {"dict-first", "the first key is set", step_run, &first},
    {"dict-insert", "a key is set that was not there", step_run, &insert},
    {"dict-split", "one more, and a bucket is split", step_run, &split},
    {"dict-insert-box", "one more, with an object", step_run, &insert_box},
    {"dict-replace", "a short value is replaced", step_run, &replace},
    {"dict-longer", "a short value gets long", step_run, &longer},
    {"dict-exchange", "a long value is replaced", step_run, &exchange},
    {"dict-box", "a value is replaced by one with an object", step_run, &box},
    {"dict-unbox", "and the other way round", step_run, &unbox},
    {"dict-rebox", "both with objects", step_run, &rebox},
    {"dict-remove", "a key is removed", step_run, &drop},
    {"dict-remove-box", "a key with an object is removed", step_run, &drop_box},
    {"dict-last", "the last key of many is removed", step_run, &last},
    {"dict-popitem", "a key is popped", step_run, &popitem},
    {"dict-get", "a value with an object is read", step_run, &get},
    {"dict-snapshot", "all are read", step_run, &snapshot},
    {"dict-create", "one is made, filled and destroyed", step_run, &create},
    {"dict-clear", "all are removed", step_run, &clear},
    {"dict-committed", "another died after its commit", step_run, &commit},
    {"dict-half-split", "another died in a split", step_run, &half_split},
    {NULL, NULL, NULL, NULL}};
