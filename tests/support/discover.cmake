# Run after a test program is built: asks it for its cases and writes one
# CTest entry for each, as CMake's own module for GoogleTest does.
#
# In: PROGRAM, EMULATOR (a list), LABEL, FACTOR, OUT.

execute_process(COMMAND ${EMULATOR} ${PROGRAM} -l
  OUTPUT_VARIABLE text RESULT_VARIABLE code TIMEOUT 300)
if(NOT code EQUAL 0)
  message(FATAL_ERROR "${PROGRAM} -l: ${code}\n${text}")
endif()

math(EXPR timeout "60 * ${FACTOR}")
math(EXPR watchdog "45 * ${FACTOR}")
string(REPLACE "\r" "" text "${text}")
string(REGEX REPLACE "\n$" "" text "${text}")
string(REPLACE "\n" ";" lines "${text}")

set(script "")
foreach(line IN LISTS lines)
  string(REPLACE " " ";" words "${line}")
  list(GET words 0 suite)
  list(GET words 1 case)
  list(GET words 2 method)
  set(name ${LABEL}.${suite}.${case})
  set(arguments -s ${suite} -t ${case})
  if(NOT method STREQUAL "-")
    string(APPEND name .${method})
    list(APPEND arguments --method ${method})
  endif()
  set(command "")
  foreach(word IN LISTS EMULATOR PROGRAM arguments)
    string(APPEND command " [==[${word}]==]")
  endforeach()
  string(APPEND script "add_test(${name}${command})\n"
    "set_tests_properties(${name} PROPERTIES TIMEOUT ${timeout} "
    "SKIP_RETURN_CODE 77 LABELS ${LABEL} ENVIRONMENT "
    "\"MPROC_TEST_TIMEOUT=${watchdog};MPROC_TEST_FACTOR=${FACTOR};"
    "LD_BIND_NOW=1\")\n")
endforeach()
file(WRITE ${OUT} "${script}")
