# Read by APR's own CMake right after its project(), to build with mingw-w64.
if(NOT MINGW)
  return()
endif()

# APR sets FD_SETSIZE before its first include; the headers below come even
# earlier. Without this, fd_set would have 64 places and APR believe in 1024.
add_compile_definitions(FD_SETSIZE=1024 USE_ATOMICS_GENERIC)

# APR hides wtypes.h by a trick that only MSVC's headers bear.
foreach(header winsock2 ws2tcpip mswsock iphlpapi)
  add_compile_options("$<$<COMPILE_LANGUAGE:C>:SHELL:-include ${header}.h>")
endforeach()
add_compile_options(
  "$<$<COMPILE_LANGUAGE:C>:-Wno-incompatible-pointer-types>")

if(CMAKE_CROSSCOMPILING)
  # APR runs its generator by path, past the emulator: put one that was built
  # for this machine in front of it.
  find_program(HOST_CC NAMES cc gcc NO_CMAKE_FIND_ROOT_PATH)
  set(generator ${PROJECT_BINARY_DIR}/gen_test_char_host)
  execute_process(
    COMMAND ${HOST_CC} -DWIN32 -o ${generator}
      ${PROJECT_SOURCE_DIR}/tools/gen_test_char.c
    RESULT_VARIABLE result)
  if(NOT result EQUAL 0)
    message(FATAL_ERROR "the host's C compiler cannot build gen_test_char")
  endif()
  set_property(DIRECTORY PROPERTY RULE_LAUNCH_CUSTOM ${generator})
endif()
