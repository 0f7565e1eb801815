/* test_inspect.c: pictures of known situations, of each kind of object. */
#include <apr_strings.h>
#include <apr_thread_proc.h>

#include "json.h"
#include "script.h"

#include "../../lib/src/inspect.h"

/* The text and the JSON of a picture can be made, and say a thing. */
static void
check_says(const mproc_inspect_t *picture, const char *part, apr_pool_t *pool)
{
    char *text, *json;

    REQUIRE_STATUS(APR_SUCCESS, mproc_inspect_text(&text, picture, 0, pool));
    if (strstr(text, part) == NULL) {
        fprintf(stderr, "%s\nis not in\n%s", part, text);
    }
    CHECK(strstr(text, part) != NULL);
    REQUIRE_STATUS(APR_SUCCESS, mproc_inspect_text(&text, picture, 1, pool));
    CHECK(strlen(text) > 0);
    REQUIRE_STATUS(APR_SUCCESS, mproc_inspect_json(&json, picture, pool));
    CHECK(json_is_valid(json));
}

static void
check_holder(const mproc_inspect_t *picture, void *object,
             mproc_process_t *process, int count)
{
    const mproc_inspect_object_t *found = seen(picture, object);

    REQUIRE(found->holder_count == 1);
    CHECK(found->holders[0].process ==
          process_seen(picture, mproc_process_pid(process)));
    CHECK_INT(count, found->holders[0].count);
}

/* One thread waits, of this process, in this call. */
static void
check_waiter(const mproc_inspect_t *picture, void *object,
             mproc_process_t *process, const char *call)
{
    const mproc_inspect_object_t *found = seen(picture, object);

    REQUIRE(found->waiter_count == 1);
    CHECK(found->waiters[0]->process ==
          process_seen(picture, mproc_process_pid(process)));
    CHECK(found->waiters[0]->object == found);
    CHECK(found->waiters[0]->sleep == MPROC_INSPECT_ASLEEP);
    CHECK_TEXT(call, found->waiters[0]->call);
}

static void
case_own(apr_pool_t *pool)
{
    mproc_census_t census;
    const mproc_inspect_process_t *self;
    mproc_inspect_t *picture;
    mproc_lock_t *lock = new_lock(pool);

    REQUIRE_STATUS(APR_SUCCESS, mproc_census(&census));
    picture = look(pool);
    CHECK(memcmp(&census, &picture->census, sizeof census) == 0);
    CHECK_INT(census.peers, picture->process_count);
    self = process_seen(picture, mproc_process_pid(mproc_process_current()));
    CHECK(picture->pid == self->pid);
    CHECK_TEXT("MainProcess", self->name);
    CHECK(self->life == MPROC_INSPECT_ALIVE);
    CHECK_INT(1, self->thread_count);
    CHECK(self->threads[0].process == self);
    CHECK(self->threads[0].sleep == MPROC_INSPECT_AWAKE);
    CHECK(self->threads[0].call == NULL);
    CHECK_TEXT("free", seen(picture, lock)->state);
    CHECK_INT(0, seen(picture, lock)->value);
    CHECK_INT(0, seen(picture, lock)->holder_count);
    CHECK(seen(picture, lock)->references == 1);
    CHECK_INT(0, picture->deadlock_count);
    check_says(picture, "MainProcess", pool);
    check_says(picture, "Idle: 1 lock\n", pool);
}

static void
case_lock(apr_pool_t *pool)
{
    script_t script = script_make(new_lock(pool), NULL, NULL, pool);
    mproc_process_t *a = script_start(&script, "0w-0", pool), *b;
    const mproc_inspect_object_t *lock;
    mproc_inspect_t *picture;

    await_sleepers(shared_of(script.go), 1);
    b = script_start(&script, "0-0", pool);
    do {
        picture = look_waited(script.object[0], 1, pool);
    } while (seen(picture, script.go)->waiter_count != 1);
    lock = seen(picture, script.object[0]);
    check_holder(picture, script.object[0], a, 1);
    CHECK(lock->holders[0].thread == lock->holders[0].process->threads);
    CHECK(lock->holders[0].thread->object == seen(picture, script.go));
    check_waiter(picture, script.object[0], b, "mproc_lock_acquire");
    check_waiter(picture, script.go, a, "mproc_event_wait");
    CHECK_TEXT("held", lock->state);
    CHECK_TEXT("not set", seen(picture, script.go)->state);
    CHECK(lock->waiters[0]->deadline == 0);
    CHECK_TEXT(mproc_process_name(a), lock->holders[0].process->name);
    CHECK_TEXT(mproc_process_name(b), lock->waiters[0]->process->name);
    CHECK(lock->waiters[0]->process->parent_pid ==
          mproc_process_pid(mproc_process_current()));
    check_says(picture, mproc_process_name(b), pool);
    check_says(picture, "held by ", pool);
    mproc_event_set(script.go);
    JOIN(a, 0);
    JOIN(b, 0);
}

/* It says since when it waits as soon as it sleeps. */
static void
case_limit(apr_pool_t *pool)
{
    script_t script = script_make(new_lock(pool), NULL, NULL, pool);
    apr_time_t begun = mproc_clock(), limit = begun + test_deadline();
    const mproc_inspect_thread_t *thread;
    mproc_inspect_t *picture;
    mproc_process_t *a;

    REQUIRE_STATUS(APR_SUCCESS,
                   mproc_lock_acquire(script.object[0], MPROC_NOWAIT));
    script.limit = apr_time_from_sec(50);
    a = script_start(&script, "t0-0", pool);
    do {
        REQUIRE(mproc_clock() < limit);
        picture = look_waited(script.object[0], 1, pool);
        thread = seen(picture, script.object[0])->waiters[0];
    } while (thread->since == 0);
    CHECK(thread->since >= begun && thread->since <= picture->taken);
    CHECK(thread->deadline > begun + apr_time_from_sec(50) &&
          thread->deadline < picture->taken + apr_time_from_sec(50));
    check_says(picture, "gives up in ", pool);
    check_holder(picture, script.object[0], mproc_process_current(), 1);
    mproc_lock_release(script.object[0]);
    JOIN(a, 0);
}

static void
case_rlock(apr_pool_t *pool)
{
    mproc_rlock_t *rlock = new_rlock(pool);
    const mproc_inspect_object_t *found;
    mproc_inspect_t *picture;
    char name[32], cut[6];

    mproc_rlock_acquire(rlock, MPROC_NOWAIT);
    mproc_rlock_acquire(rlock, MPROC_NOWAIT);
    picture = look(pool);
    found = seen(picture, rlock);
    check_holder(picture, rlock, mproc_process_current(), 2);
    CHECK_INT(2, found->value);
    CHECK_TEXT("held 2 times", found->state);
    mproc_rlock_release(rlock);
    mproc_rlock_release(rlock);
    CHECK_TEXT("free", seen(look(pool), rlock)->state);
    CHECK_TEXT(found->name, mproc_inspect_name(name, sizeof name, rlock));
    CHECK_TEXT("rlock", mproc_inspect_name(cut, sizeof cut, rlock));
    CHECK_TEXT("", mproc_inspect_name(name, sizeof name, NULL));
}

static void
case_semaphore(apr_pool_t *pool)
{
    mproc_semaphore_t *plain, *bounded, *owned = new_permits(3, pool);
    script_t script;
    mproc_inspect_t *picture;
    mproc_process_t *a, *b;

    REQUIRE_STATUS(APR_SUCCESS, mproc_semaphore_create(&plain, 0, pool));
    REQUIRE_STATUS(APR_SUCCESS,
                   mproc_bounded_semaphore_create(&bounded, 4, pool));
    script = script_make(plain, bounded, owned, pool);
    a = script_start(&script, "1220-1-2-2", pool);
    picture = look_waited(plain, 1, pool);
    check_waiter(picture, plain, a, "mproc_semaphore_acquire");
    CHECK_INT(0, seen(picture, plain)->value);
    CHECK_INT(0, seen(picture, plain)->most);
    CHECK_INT(3, seen(picture, bounded)->value);
    CHECK_INT(4, seen(picture, bounded)->most);
    CHECK_INT(0, seen(picture, bounded)->holder_count);
    check_holder(picture, owned, a, 2);
    CHECK_INT(1, seen(picture, owned)->value);
    CHECK_INT(3, seen(picture, owned)->most);
    CHECK(seen(picture, owned)->owned && !seen(picture, bounded)->owned);
    check_says(picture, "1 of 3 permits free, taken: ", pool);
    mproc_semaphore_acquire(owned, MPROC_NOWAIT);
    b = script_start(&script, "2-2", pool);
    picture = look_waited(owned, 1, pool);
    CHECK_INT(2, seen(picture, owned)->holder_count);
    CHECK_INT(0, seen(picture, owned)->value);
    check_waiter(picture, owned, b, "mproc_semaphore_acquire");
    mproc_semaphore_release(owned);
    mproc_semaphore_release(plain);
    JOIN(a, 0);
    JOIN(b, 0);
}

static void
case_condition(apr_pool_t *pool)
{
    mproc_condition_t *condition;
    script_t script = script_make(new_rlock(pool), NULL, NULL, pool);
    const mproc_inspect_thread_t *thread;
    mproc_inspect_t *picture;
    mproc_process_t *a;

    REQUIRE_STATUS(APR_SUCCESS,
                   mproc_condition_create(&condition, script.object[0], pool));
    script.object[1] = condition;
    a = script_start(&script, "01-0", pool);
    (void)look_waited(condition, 1, pool);
    REQUIRE_STATUS(APR_SUCCESS,
                   mproc_rlock_acquire(script.object[0], test_deadline()));
    picture = look_waited(condition, 1, pool);
    check_waiter(picture, condition, a, "mproc_condition_wait");
    CHECK(seen(picture, condition)->lock == seen(picture, script.object[0]));
    check_says(picture, ": its lock is rlock ", pool);
    /* Moved, it waits for the lock. */
    REQUIRE_STATUS(APR_SUCCESS, mproc_condition_notify(condition, 1));
    picture = look_waited(script.object[0], 1, pool);
    CHECK_INT(0, seen(picture, condition)->waiter_count);
    check_waiter(picture, script.object[0], a, "mproc_condition_wait");
    thread = seen(picture, script.object[0])->waiters[0];
    CHECK(thread->condition == seen(picture, condition));
    check_says(picture, "notified, for rlock ", pool);
    mproc_rlock_release(script.object[0]);
    JOIN(a, 0);
}

static void
case_event(apr_pool_t *pool)
{
    script_t script = script_make(NULL, NULL, NULL, pool);
    mproc_process_t *a = script_start(&script, "w", pool);
    mproc_process_t *b = script_start(&script, "w", pool);
    const mproc_inspect_object_t *event;
    mproc_inspect_t *picture;

    picture = look_waited(script.go, 2, pool);
    event = seen(picture, script.go);
    CHECK_INT(2, event->waiter_count);
    CHECK_INT(0, event->value);
    CHECK(event->waiters[0]->ticket < event->waiters[1]->ticket);
    CHECK_TEXT("mproc_event_wait", event->waiters[1]->call);
    mproc_event_set(script.go);
    JOIN(a, 0);
    JOIN(b, 0);
    picture = look(pool);
    CHECK_INT(1, seen(picture, script.go)->value);
    CHECK_TEXT("set", seen(picture, script.go)->state);
    CHECK_INT(0, seen(picture, script.go)->waiter_count);
}

static void
case_barrier(apr_pool_t *pool)
{
    mproc_barrier_t *barrier = new_barrier(3, pool);
    script_t script = script_make(barrier, NULL, NULL, pool);
    mproc_process_t *a = script_start(&script, "0", pool), *b;
    mproc_inspect_t *picture;

    picture = look_waited(barrier, 1, pool);
    check_holder(picture, barrier, a, 1);
    check_waiter(picture, barrier, a, "mproc_barrier_wait");
    CHECK_INT(1, seen(picture, barrier)->value);
    CHECK_INT(3, seen(picture, barrier)->most);
    check_says(picture, "1 of 3 have arrived: ", pool);
    b = script_start(&script, "0", pool);
    await_sleepers(gate_of(barrier), 2);
    CHECK_INT(2, seen(look(pool), barrier)->value);
    CHECK_STATUS(APR_SUCCESS,
                 mproc_barrier_wait(barrier, NULL, test_deadline()));
    JOIN(a, 0);
    JOIN(b, 0);
    CHECK_INT(0, seen(look(pool), barrier)->value);
    mproc_barrier_abort(barrier);
    CHECK_TEXT("broken, 0 of 3 have arrived", seen(look(pool), barrier)->state);
}

static void
case_value(apr_pool_t *pool)
{
    mproc_value_t *value;
    mproc_array_t *array;
    mproc_shareable_list_t *list;
    mproc_dict_t *dict;
    mproc_list_t *row;
    mproc_namespace_t *space;
    script_t script;
    mproc_inspect_t *picture;
    mproc_process_t *a;

    REQUIRE_STATUS(APR_SUCCESS, mproc_value_create(&value, 12, NULL, pool));
    REQUIRE_STATUS(APR_SUCCESS,
                   mproc_raw_array_create(&array, 4, 100, NULL, pool));
    REQUIRE_STATUS(APR_SUCCESS,
                   mproc_shareable_list_create(&list, pool, "[i i]", 1, 2));
    REQUIRE_STATUS(APR_SUCCESS, mproc_dict_create(&dict, pool));
    REQUIRE_STATUS(APR_SUCCESS, mproc_list_create(&row, pool));
    REQUIRE_STATUS(APR_SUCCESS, mproc_namespace_create(&space, pool));
    REQUIRE_STATUS(APR_SUCCESS, mproc_list_extendf(row, "[i i i]", 1, 2, 3));
    REQUIRE_STATUS(APR_SUCCESS, mproc_dict_setf(dict, "a", "i", 1));
    script = script_make(value, NULL, NULL, pool);
    REQUIRE_STATUS(APR_SUCCESS, mproc_value_acquire(value, MPROC_NOWAIT));
    a = script_start(&script, "0-0", pool);
    picture = look_waited(mproc_value_lock(value), 1, pool);
    CHECK(seen(picture, value)->lock == seen(picture, mproc_value_lock(value)));
    check_waiter(picture, mproc_value_lock(value), a, "mproc_rlock_acquire");
    check_holder(picture, mproc_value_lock(value), mproc_process_current(), 1);
    CHECK_TEXT("12 bytes", seen(picture, value)->state);
    CHECK_TEXT("100 items of 4 bytes", seen(picture, array)->state);
    CHECK(seen(picture, array)->lock == NULL);
    CHECK_INT(100, seen(picture, array)->value);
    CHECK_TEXT("2 elements", seen(picture, list)->state);
    CHECK_TEXT("1 entries", seen(picture, dict)->state);
    CHECK_INT(MPROC_KIND_DICT, seen(picture, dict)->kind);
    CHECK_TEXT("3 elements", seen(picture, row)->state);
    CHECK_TEXT("0 attributes", seen(picture, space)->state);
    mproc_value_release(value);
    JOIN(a, 0);
}

/* Runs until the number is set; it is seen where it lies, in the arena. */
static void
until_set(const void *in, void *out, void *baton)
{
    (void)out;
    (void)baton;
    while (*(const volatile int *)in == 0) {
        apr_sleep(500);
    }
}

static void *APR_THREAD_FUNC
map_thread(apr_thread_t *thread, void *data)
{
    void **with = data;
    apr_thread_exit(thread, mproc_pool_map_array(with[0], until_set, with[1], 1,
                                                 sizeof(int), NULL, 0, NULL));
    return NULL;
}

static const mproc_inspect_object_t *
pool_seen(const mproc_inspect_t *picture)
{
    for (int i = 0; i < picture->object_count; i++) {
        if (picture->objects[i].kind == MPROC_KIND_POOL) {
            return &picture->objects[i];
        }
    }
    REQUIRE(!"in the picture");
    return NULL;
}

/* Look until so many wait for the pool. */
static mproc_inspect_t *
await_pool(int count, const char *call, apr_pool_t *pool)
{
    apr_time_t limit = mproc_clock() + test_deadline();
    const mproc_inspect_object_t *found;
    mproc_inspect_t *picture;
    int waiting, i;

    do {
        REQUIRE(mproc_clock() < limit);
        picture = look(pool);
        found = pool_seen(picture);
        for (waiting = i = 0; i < found->waiter_count; i++) {
            waiting += strcmp(found->waiters[i]->call, call) == 0;
        }
    } while (waiting != count);
    return picture;
}

static void
case_pool(apr_pool_t *pool)
{
    mproc_pool_options_t options = {.processes = 2};
    mproc_value_t *value = shared_int(pool);
    void *with[2] = {NULL, mproc_value_data(value)};
    mproc_inspect_t *picture;
    mproc_pool_t *workers;
    apr_thread_t *thread;
    apr_status_t rv;

    options.start_method = test_method();
    REQUIRE_STATUS(APR_SUCCESS, mproc_pool_create(&workers, &options, pool));
    with[0] = workers;
    do {
        picture = await_pool(1, "a pool's keeper", pool);
    } while (pool_seen(picture)->holder_count < 2);
    CHECK_INT(2, pool_seen(picture)->holder_count);
    CHECK_INT(2, pool_seen(picture)->value);
    CHECK_TEXT("idle, 2 workers", pool_seen(picture)->state);
    CHECK_TEXT("Worker-1", pool_seen(picture)->holders[0].process->name);
    REQUIRE_STATUS(APR_SUCCESS,
                   apr_thread_create(&thread, NULL, map_thread, with, pool));
    do {
        picture = await_pool(1, "mproc_pool_map_array", pool);
    } while (strncmp(pool_seen(picture)->state, "at a job", 8) != 0);
    check_says(picture, "at a job, 2 workers: ", pool);
    shared_set(value, 1);
    apr_thread_join(&rv, thread);
    CHECK_INT(0, rv);
    mproc_pool_destroy(workers);
}

/* Killed, and looked at before and after anybody has noticed. */
static void
case_killed(apr_pool_t *pool)
{
    script_t script = script_make(new_lock(pool), NULL, NULL, pool);
    mproc_process_t *a = script_start(&script, "0w", pool);
    apr_time_t limit = mproc_clock() + test_deadline();
    const mproc_inspect_object_t *lock;
    const mproc_inspect_process_t *dead;
    mproc_inspect_t *picture;

    await_sleepers(shared_of(script.go), 1);
    test_kill(mproc_process_pid(a));
    do {
        REQUIRE(mproc_clock() < limit);
        picture = look(pool);
        dead = process_seen(picture, mproc_process_pid(a));
    } while (dead->life == MPROC_INSPECT_ALIVE);
    check_holder(picture, script.object[0], a, 1);
    check_says(picture, "dead, nobody has noticed yet", pool);
    check_says(picture, ", which is dead", pool);
    REQUIRE_STATUS(APR_SUCCESS, mproc_process_join(a, test_deadline()));
    CHECK_STATUS(APR_SUCCESS, mproc_process_close(a));
    picture = look(pool);
    lock = seen(picture, script.object[0]);
    REQUIRE(lock->holder_count == 1);
    CHECK(lock->holders[0].process == NULL);
    check_says(picture, "its holder died; the next one will be told", pool);
    CHECK_STATUS(MPROC_EOWNERDEAD,
                 mproc_lock_acquire(script.object[0], MPROC_NOWAIT));
}

static void *APR_THREAD_FUNC
crowd_thread(apr_thread_t *thread, void *script)
{
    apr_thread_exit(thread, script_run(script));
    return NULL;
}

/* What is long is cut, unless all is wanted. */
static void
case_crowd(apr_pool_t *pool)
{
    script_t script = script_make(new_lock(pool), NULL, NULL, pool);
    mproc_inspect_t *picture;
    apr_thread_t *thread[8];
    apr_status_t rv;
    char *text;
    int i;

    script.text = "0-0";
    REQUIRE_STATUS(APR_SUCCESS,
                   mproc_lock_acquire(script.object[0], MPROC_NOWAIT));
    for (i = 0; i < 8; i++) {
        REQUIRE_STATUS(
            APR_SUCCESS,
            apr_thread_create(&thread[i], NULL, crowd_thread, &script, pool));
        await_sleepers(shared_of(script.object[0]), i + 1);
    }
    picture = look_waited(script.object[0], 8, pool);
    CHECK(picture->thread_count >= 9); /* The watcher may have come. */
    CHECK_INT(8, seen(picture, script.object[0])->waiter_count);
    for (i = 1; i < 8; i++) {
        const mproc_inspect_object_t *lock = seen(picture, script.object[0]);
        CHECK(lock->waiters[i - 1]->ticket < lock->waiters[i]->ticket);
    }
    check_says(picture, "        and 4 more\n", pool);
    check_says(
        picture,
        apr_psprintf(pool, "... and %d more\n", picture->thread_count - 4),
        pool);
    REQUIRE_STATUS(APR_SUCCESS, mproc_inspect_text(&text, picture, 1, pool));
    CHECK(strstr(text, " more") == NULL);
    mproc_lock_release(script.object[0]);
    for (i = 0; i < 8; i++) {
        apr_thread_join(&rv, thread[i]);
        CHECK_INT(0, rv);
    }
}

static void
case_arguments(apr_pool_t *pool)
{
    const mproc_deadlock_t *deadlock;
    mproc_inspect_t *picture;
    char *text;

    CHECK_STATUS(APR_EINVAL, mproc_inspect_take(NULL, 0, pool));
    CHECK_STATUS(APR_EINVAL, mproc_inspect_take(&picture, 0, NULL));
    CHECK_STATUS(APR_EINVAL, mproc_inspect_take(&picture, -1, pool));
    CHECK(picture == NULL);
    CHECK_STATUS(APR_EINVAL, mproc_deadlock_find(NULL, 0, pool));
    CHECK_STATUS(APR_EINVAL, mproc_deadlock_find(&deadlock, 0, NULL));
    CHECK_STATUS(APR_EINVAL, mproc_inspect_text(&text, NULL, 0, pool));
    CHECK_STATUS(APR_EINVAL, mproc_inspect_json(&text, NULL, pool));
    CHECK_STATUS(APR_EINVAL, mproc_deadlock_text(&text, NULL, pool));
}

/* -------------------------------------------------------------- garbage */

static unsigned garbage_state;

static unsigned
garbage_next(void)
{
    garbage_state = garbage_state * 1103515245U + 12345U;
    return garbage_state >> 16;
}

/* One's own arena, but a bit here and there is another one; the header less
 * often, or nothing would come behind it. */
static apr_status_t
garbage_read(const mproc__source_t *source, apr_uint64_t offset, void *to,
             apr_size_t size)
{
    mproc__source_t own;
    unsigned char *byte = to;
    unsigned flips = offset == 0 ? garbage_next() % 8 == 0 : garbage_next() % 8;
    /* What the header begins with is looked at; not all of its tables are. */
    apr_size_t reach = offset == 0 && size > 256 ? 256 : size;

    mproc__source_own(&own);
    memset(to, 0, size);
    /* An offset that came of garbage may have no memory behind it. */
    if (offset + size <= mproc__arena.data_offset +
                             atomic_load(&mproc__arena.header->regions_open) *
                                 MPROC__REGION_CHUNKS * MPROC__CHUNK) {
        (void)own.read(source, offset, to, size);
    }
    while (size > 0 && flips-- > 0) {
        byte[(garbage_next() << 15 | garbage_next()) % reach] ^=
            (unsigned char)(1U << garbage_next() % 8);
    }
    return APR_SUCCESS;
}

/* Whatever is read, an end is found, and what was found can be told. */
static void
case_garbage(apr_pool_t *pool)
{
    script_t script = script_make(new_lock(pool), new_permits(40, pool),
                                  new_barrier(2, pool), pool);
    mproc_process_t *a = script_start(&script, "0120", pool);
    mproc_process_t *b = script_start(&script, "12w", pool);
    mproc__source_t source;
    apr_pool_t *sub;
    int good = 0, deadlocks = 0;
    char *text;

    await_sleepers(shared_of(script.go), 1);
    await_sleepers(shared_of(script.object[0]), 1);
    apr_pool_create(&sub, pool);
    for (unsigned seed = 1; seed <= 1500; seed++) {
        mproc_inspect_t *picture;
        apr_status_t rv;
        garbage_state = seed;
        mproc__source_own(&source);
        source.read = garbage_read;
        rv = mproc__inspect_source(&picture, &source, sub);
        CHECK(rv == APR_SUCCESS || rv == MPROC_EFORMAT);
        if (rv == APR_SUCCESS) {
            good++;
            deadlocks += picture->deadlock_count > 0;
            CHECK_STATUS(APR_SUCCESS,
                         mproc_inspect_text(&text, picture, 1, sub));
            CHECK_STATUS(APR_SUCCESS, mproc_inspect_json(&text, picture, sub));
            CHECK(json_is_valid(text));
        }
        apr_pool_clear(sub);
    }
    CHECK(good > 500 && good < 1500);
    CHECK(deadlocks < good);
    KILL(a);
    KILL(b);
    settle();
}

static const test_case_t cases[] = {{"own", case_own},
                                    {"lock", case_lock},
                                    {"limit", case_limit},
                                    {"rlock", case_rlock},
                                    {"semaphore", case_semaphore},
                                    {"condition", case_condition},
                                    {"event", case_event},
                                    {"barrier", case_barrier},
                                    {"value", case_value},
                                    {"pool", case_pool},
                                    {"killed", case_killed},
                                    {"crowd", case_crowd},
                                    {"arguments", case_arguments},
                                    {"garbage", case_garbage},
                                    {NULL, NULL}};

const test_suite_t suite_inspect = {"inspect", 1, cases};
