/* test_inspect_pool.c: pools, as they look from outside. */
#include "json.h"
#include "program.h"
#include "tasks.h"

static const mproc_inspect_pool_t *
seen(mproc_inspect_t **picture, apr_pool_t *pool)
{
    int i;
    REQUIRE_STATUS(APR_SUCCESS, mproc_inspect_take(picture, 0, pool));
    for (i = 0; i < (*picture)->object_count; i++) {
        const mproc_inspect_object_t *object = &(*picture)->objects[i];
        CHECK((object->tasks != NULL) == (object->kind == MPROC_KIND_POOL));
        if (object->tasks != NULL) {
            return object->tasks;
        }
    }
    REQUIRE(!"in the picture");
    return NULL;
}

/* Look until so many workers are at that. */
static const mproc_inspect_pool_t *
await_work(mproc_inspect_t **picture, int count, mproc_inspect_work_e work,
           apr_pool_t *pool)
{
    apr_time_t limit = mproc_clock() + test_deadline();
    const mproc_inspect_pool_t *tasks;
    int found, i;
    do {
        REQUIRE(mproc_clock() < limit);
        tasks = seen(picture, pool);
        for (i = found = 0; i < tasks->worker_count; i++) {
            found += tasks->workers[i].work == work;
        }
    } while (found != count);
    return tasks;
}

static void
check_says(const mproc_inspect_t *picture, const char *part, apr_pool_t *pool)
{
    char *text;
    REQUIRE_STATUS(APR_SUCCESS, mproc_inspect_text(&text, picture, 0, pool));
    if (strstr(text, part) == NULL) {
        fprintf(stderr, "%s\nis not in\n%s", part, text);
    }
    CHECK(strstr(text, part) != NULL);
}

static void
check_json(const mproc_inspect_t *picture, const char *part, apr_pool_t *pool)
{
    char *text;
    REQUIRE_STATUS(APR_SUCCESS, mproc_inspect_json(&text, picture, pool));
    CHECK(json_is_valid(text));
    if (strstr(text, part) == NULL) {
        fprintf(stderr, "%s\nis not in\n%s", part, text);
    }
    CHECK(strstr(text, part) != NULL);
}

typedef struct scene_t {
    mproc_pool_t *workers;
    mproc_async_t *async;
    mproc_event_t *begun, *event;
} scene_t;

/* One worker; of four tasks the first is done, it is at the second, and two
 * are queued. */
static void
scene_make(scene_t *scene, apr_pool_t *pool)
{
    mproc_task_options_t options = {.chunk = 1};
    mproc_event_t *set, *ignored;
    mproc_bytes_t items[4];
    int i;
    pool_start(&scene->workers, 1, pool);
    REQUIRE_STATUS(APR_SUCCESS, mproc_event_create(&scene->begun, pool));
    REQUIRE_STATUS(APR_SUCCESS, mproc_event_create(&scene->event, pool));
    REQUIRE_STATUS(APR_SUCCESS, mproc_event_create(&set, pool));
    REQUIRE_STATUS(APR_SUCCESS, mproc_event_create(&ignored, pool));
    REQUIRE_STATUS(APR_SUCCESS, mproc_event_set(set));
    for (i = 0; i < 4; i++) {
        REQUIRE_STATUS(APR_SUCCESS, mproc_pack(&items[i], pool, "oo",
                                               i == 1 ? scene->begun : ignored,
                                               i == 1 ? scene->event : set));
    }
    REQUIRE_STATUS(APR_SUCCESS,
                   mproc_pool_map_async(&scene->async, scene->workers,
                                        wait_for_event, items, 4, &options,
                                        NULL, pool));
    REQUIRE_STATUS(APR_SUCCESS,
                   mproc_event_wait(scene->begun, test_deadline()));
}

static void
a_worker_at_a_task(apr_pool_t *pool)
{
    const mproc_inspect_pool_t *tasks;
    mproc_inspect_t *picture;
    scene_t scene;
    scene_make(&scene, pool);
    tasks = seen(&picture, pool);
    CHECK_INT(2, tasks->queued);
    CHECK_INT(1, tasks->running);
    CHECK_INT(1, tasks->busy);
    CHECK_INT(1, tasks->done);
    CHECK_INT(0, tasks->lost + tasks->retried);
    REQUIRE(tasks->worker_count == 1);
    CHECK_INT(MPROC_INSPECT_BUSY, tasks->workers[0].work);
    CHECK_INT(1, tasks->workers[0].task);
    CHECK_INT(1, tasks->workers[0].tasks);
    CHECK(tasks->workers[0].pid > 0);
    CHECK(tasks->workers[0].began > 0 &&
          tasks->workers[0].began <= picture->taken);
    check_says(picture,
               "tasks: 2 queued, 1 running, 1 done, 0 lost, 0 retried\n", pool);
    check_says(picture, ": at task 1 for ", pool);
    check_json(picture, "\"tasks\": {\"queued\": 2, \"running\": 1, ", pool);
    check_json(picture, "\"work\": \"busy\", \"task\": 1, \"ran\": ", pool);
    CHECK_STATUS(APR_SUCCESS, mproc_event_set(scene.event));
    CHECK_STATUS(APR_SUCCESS,
                 mproc_async_get(scene.async, NULL, test_deadline(), NULL));
    tasks = await_work(&picture, 1, MPROC_INSPECT_IDLE, pool);
    CHECK_INT(0, tasks->queued);
    CHECK_INT(0, tasks->running);
    CHECK_INT(4, tasks->done);
    check_says(picture, ": idle; has done 4\n", pool);
    pool_end(scene.workers);
}

static apr_status_t
die_at_first(mproc_bytes_t args, mproc_reply_t *reply, apr_pool_t *pool)
{
    int times = 0;
    mproc_unpack(args, pool, "i", &times);
    if (mproc_reply_attempt(reply) <= times) {
        test_kill(mproc_process_pid(mproc_process_current()));
    }
    return APR_SUCCESS;
}

/* Lost, tried again, cancelled: neither queued nor done twice. */
static void
tasks_that_end_otherwise(apr_pool_t *pool)
{
    mproc_pool_options_t options = {.processes = 1, .retries = 1};
    const mproc_inspect_pool_t *tasks;
    mproc_event_t *begun, *event;
    mproc_inspect_t *picture;
    mproc_async_t *first, *second;
    mproc_pool_t *workers;
    options.start_method = test_method();
    REQUIRE_STATUS(APR_SUCCESS, mproc_pool_create(&workers, &options, pool));
    REQUIRE_STATUS(APR_SUCCESS, mproc_event_create(&begun, pool));
    REQUIRE_STATUS(APR_SUCCESS, mproc_event_create(&event, pool));
    CHECK_STATUS(APR_SUCCESS, mproc_pool_apply(workers, die_at_first, NULL,
                                               test_deadline(), pool, "i", 1));
    CHECK_STATUS(MPROC_EWORKERLOST,
                 mproc_pool_apply(workers, die_at_first, NULL, test_deadline(),
                                  pool, "i", 9));
    REQUIRE_STATUS(APR_SUCCESS,
                   mproc_pool_apply_async(&first, workers, wait_for_event, NULL,
                                          pool, "oo", begun, event));
    CHECK_STATUS(APR_SUCCESS, mproc_event_wait(begun, test_deadline()));
    REQUIRE_STATUS(APR_SUCCESS, mproc_pool_apply_async(&second, workers, square,
                                                       NULL, pool, "i", 2));
    CHECK_STATUS(APR_SUCCESS, mproc_async_cancel(second));
    tasks = seen(&picture, pool);
    CHECK_INT(0, tasks->queued);
    CHECK_INT(1, tasks->running);
    CHECK_INT(1, tasks->done);
    CHECK_INT(1, tasks->lost);
    CHECK_INT(2, tasks->retried);
    check_says(picture, "0 queued, 1 running, 1 done, 1 lost, 2 retried", pool);
    check_json(picture, "\"done\": 1, \"lost\": 1, \"retried\": 2", pool);
    CHECK_STATUS(APR_SUCCESS, mproc_event_set(event));
    pool_end(workers);
}

static void
wait_at_an_array(const void *in, void *out, void *baton)
{
    const atomic_int *go = in;
    (void)out;
    (void)baton;
    while (atomic_load(go) == 0) {
        apr_sleep(1000);
    }
}

static void *APR_THREAD_FUNC
map_run(apr_thread_t *thread, void *baton)
{
    void **with = baton;
    apr_thread_exit(thread,
                    mproc_pool_map_array(with[0], wait_at_an_array, with[1], 1,
                                         sizeof(int), NULL, 0, NULL));
    return NULL;
}

static void
a_worker_at_an_array(apr_pool_t *pool)
{
    const mproc_inspect_pool_t *tasks;
    mproc_inspect_t *picture;
    mproc_pool_t *workers;
    mproc_value_t *value;
    apr_thread_t *thread;
    apr_status_t rv;
    void *with[2];
    int no = 0;
    pool_start(&workers, 1, pool);
    REQUIRE_STATUS(APR_SUCCESS,
                   mproc_value_create(&value, sizeof no, &no, pool));
    with[0] = workers;
    with[1] = mproc_value_data(value);
    REQUIRE_STATUS(APR_SUCCESS,
                   apr_thread_create(&thread, NULL, map_run, with, pool));
    tasks = await_work(&picture, 1, MPROC_INSPECT_BUSY, pool);
    CHECK_INT(-1, tasks->workers[0].task);
    CHECK_INT(0, tasks->running);
    CHECK_INT(0, tasks->queued);
    check_says(picture, ": at an array for ", pool);
    check_json(picture, "\"work\": \"busy\", \"ran\": ", pool);
    atomic_store((atomic_int *)with[1], 1);
    REQUIRE_STATUS(APR_SUCCESS, apr_thread_join(&rv, thread));
    CHECK_STATUS(APR_SUCCESS, rv);
    pool_end(workers);
}

static apr_status_t
initialize(mproc_bytes_t args, apr_pool_t *pool)
{
    mproc_event_t *event;
    apr_status_t rv = mproc_unpack(args, pool, "o", &event);
    return rv == APR_SUCCESS ? mproc_event_wait(event, test_deadline()) : rv;
}

static void
a_worker_that_begins(apr_pool_t *pool)
{
    mproc_pool_options_t options = {.processes = 1};
    const mproc_inspect_pool_t *tasks;
    mproc_inspect_t *picture;
    mproc_pool_t *workers;
    mproc_event_t *event;
    options.start_method = test_method();
    options.initializer = initialize;
    REQUIRE_STATUS(APR_SUCCESS, mproc_event_create(&event, pool));
    REQUIRE_STATUS(APR_SUCCESS, mproc_event_set(event));
    REQUIRE_STATUS(APR_SUCCESS,
                   mproc_pack(&options.initargs, pool, "o", event));
    REQUIRE_STATUS(APR_SUCCESS, mproc_pool_create(&workers, &options, pool));
    CHECK_STATUS(APR_SUCCESS, mproc_event_clear(event));
    CHECK_STATUS(APR_SUCCESS, mproc_pool_resize(workers, 3));
    tasks = await_work(&picture, 2, MPROC_INSPECT_STARTING, pool);
    CHECK_INT(3, tasks->worker_count);
    check_says(picture, ": starting; has done 0\n", pool);
    check_json(picture, "\"work\": \"starting\"", pool);
    CHECK_STATUS(APR_SUCCESS, mproc_event_set(event));
    (void)await_work(&picture, 3, MPROC_INSPECT_IDLE, pool);
    pool_end(workers);
}

/* What the tool prints, who is another process. */
static void
by_the_tool(apr_pool_t *pool)
{
    const char *args[] = {NULL, NULL, NULL};
    mproc_inspect_t *picture;
    program_t text, json;
    scene_t scene;
    apr_int64_t pid;
    scene_make(&scene, pool);
    pid = mproc_process_pid(mproc_process_current());
    args[0] = apr_psprintf(pool, "%" APR_INT64_T_FMT, pid);
    if (mproc_inspect_take(&picture, pid, pool) == APR_ENOTIMPL) {
        test_skip("no process sees another's memory here");
    }
    program_start(&text, test_inspect(), args, pool);
    CHECK_INT(0, program_end(&text));
    CHECK(strstr(text.text, "tasks: 2 queued, 1 running, 1 done") != NULL);
    CHECK(strstr(text.text, ": at task 1 for ") != NULL);
    args[1] = "--json";
    program_start(&json, test_inspect(), args, pool);
    CHECK_INT(0, program_end(&json));
    CHECK(json_is_valid(json.text));
    CHECK(strstr(json.text, "\"work\": \"busy\", \"task\": 1") != NULL);
    CHECK_STATUS(APR_SUCCESS, mproc_event_set(scene.event));
    pool_end(scene.workers);
}

static const test_case_t cases[] = {
    {"a_worker_at_a_task", a_worker_at_a_task},
    {"tasks_that_end_otherwise", tasks_that_end_otherwise},
    {"a_worker_at_an_array", a_worker_at_an_array},
    {"a_worker_that_begins", a_worker_that_begins},
    {"by_the_tool", by_the_tool},
    {NULL, NULL}};

const test_suite_t suite_inspect_pool = {"inspect_pool", 1, cases};
