/* processor_windows.c: processors and a fine clock, on Windows. */
#include "processor.h"

#include <windows.h>

int
processor_count(void)
{
    DWORD_PTR may, system;
    int count = 0;

    if (GetProcessAffinityMask(GetCurrentProcess(), &may, &system)) {
        for (; may != 0; may &= may - 1) {
            count++;
        }
    }
    return count;
}

apr_status_t
processor_pin(int n)
{
    DWORD_PTR may, system, one;

    if (!GetProcessAffinityMask(GetCurrentProcess(), &may, &system)) {
        return apr_get_os_error();
    }
    for (one = 1; one != 0; one <<= 1) {
        if ((may & one) && n-- == 0) {
            return SetThreadAffinityMask(GetCurrentThread(), one) != 0
                       ? APR_SUCCESS
                       : apr_get_os_error();
        }
    }
    return APR_EINVAL;
}

double
processor_clock(void)
{
    LARGE_INTEGER now, second;

    QueryPerformanceCounter(&now);
    QueryPerformanceFrequency(&second);
    return (double)now.QuadPart * 1e9 / (double)second.QuadPart;
}
