# The one rule of the split: no system's header and no system's macro where
# the portable code lives; and no file that nobody can read in one go.
# Run by CTest; by hand: cmake -D ROOT=. -P tests/check_source.cmake

get_filename_component(ROOT "${ROOT}" ABSOLUTE)
set(portable lib/include lib/src lib/host tests/unit examples)
set(macros "_WIN32|_WIN64|__linux__|__linux|__APPLE__|__unix__|__MINGW32__")
string(CONCAT headers
  "(windows|winsock2?|ws2tcpip|io|direct|unistd|fcntl|pthread|dlfcn|poll|"
  "sched|semaphore|spawn|dirent|termios|pwd|grp|ucontext|elf|link|netdb|"
  "sys/[a-z_]+|linux/[a-z_]+|netinet/[a-z_]+|arpa/[a-z_]+)[.]h")
set(longest 700)
set(wrong 0)

foreach(dir IN LISTS portable)
  file(GLOB_RECURSE found ${ROOT}/${dir}/*.[ch])
  list(APPEND portable_files ${found})
endforeach()
file(GLOB contracts ${ROOT}/platform/plat_*.h)
list(APPEND portable_files ${contracts})
list(REMOVE_ITEM portable_files ${ROOT}/lib/include/mproc/export.h)

foreach(file IN LISTS portable_files)
  file(STRINGS ${file} lines
    REGEX "${macros}|# *include *[<\"]${headers}[>\"]")
  foreach(line IN LISTS lines)
    message("${file}: belongs in platform/: ${line}")
    math(EXPR wrong "${wrong} + 1")
  endforeach()
endforeach()

file(GLOB_RECURSE all ${ROOT}/lib/*.[ch] ${ROOT}/platform/*.[ch]
  ${ROOT}/tests/*.[ch] ${ROOT}/examples/*.[ch])
foreach(file IN LISTS all)
  file(READ ${file} text)
  string(REGEX MATCHALL "\n" ends "${text}")
  list(LENGTH ends length)
  if(length GREATER longest)
    message("${file}: ${length} lines, more than ${longest}")
    math(EXPR wrong "${wrong} + 1")
  endif()
  if(text MATCHES "\t")
    message("${file}: has tabs")
    math(EXPR wrong "${wrong} + 1")
  endif()
endforeach()

list(LENGTH all count)
if(count EQUAL 0 OR NOT portable_files)
  message(FATAL_ERROR "no files found under ${ROOT}")
endif()
if(wrong)
  message(FATAL_ERROR "${wrong} places in ${count} files are wrong")
endif()
message("${count} files are as they should be")
