// consumer.cc: a user's program, in C++17.
#include <mproc.h>

#include <cstdio>

namespace {

int
add(mproc_bytes_t args, apr_pool_t *pool)
{
    int a;
    int b;

    if (mproc_unpack(args, pool, "ii", &a, &b) != APR_SUCCESS) {
        return 1;
    }
    return a + b;
}

} // namespace

int
main(int argc, const char *const *argv)
{
    mproc_process_t *process = nullptr;
    mproc_process_options_t options = {};
    int code = 0;

    options.name = "adder";
    if (mproc_initialize(argc, argv) != APR_SUCCESS ||
        mproc_process_create(&process, add, &options, nullptr, "ii", 40, 2) !=
            APR_SUCCESS ||
        mproc_process_start(process) != APR_SUCCESS ||
        mproc_process_join(process, MPROC_FOREVER) != APR_SUCCESS ||
        mproc_process_exitcode(process, &code) != APR_SUCCESS) {
        std::fprintf(stderr, "%s\n", mproc_error_detail());
        return 1;
    }
    std::printf("C++: %d, version %s\n", code, mproc_version());
    return code != 42;
}
