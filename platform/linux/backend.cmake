# Linux: its own files, and plain POSIX's for the concepts that it has none
# for.
file(GLOB own CONFIGURE_DEPENDS RELATIVE ${CMAKE_CURRENT_SOURCE_DIR}
  ${CMAKE_CURRENT_SOURCE_DIR}/linux/*.c)
file(GLOB posix CONFIGURE_DEPENDS RELATIVE ${CMAKE_CURRENT_SOURCE_DIR}
  ${CMAKE_CURRENT_SOURCE_DIR}/posix/*.c)
set(MPROC_BACKEND_SOURCES ${own})
foreach(file IN LISTS posix)
  string(REGEX REPLACE "^posix/([a-z]+)_.*" "\\1" concept ${file})
  if(NOT own MATCHES "linux/${concept}_")
    list(APPEND MPROC_BACKEND_SOURCES ${file})
  endif()
endforeach()
set(MPROC_BACKEND_LIBRARIES Threads::Threads ${CMAKE_DL_LIBS})
set(MPROC_BACKEND_DEFINITIONS MPROC_HAVE_PIPE2)
set(MPROC_BACKEND_LINK_OPTIONS -Wl,--build-id)
set(MPROC_BACKEND_SUPPORT posix)
# Functions are linked at the program's start. Found at their first call, each
# forked child would look anew for those that its parent had not called.
include(CheckCCompilerFlag)
check_c_compiler_flag(-fno-plt MPROC_HAVE_NO_PLT)
if(MPROC_HAVE_NO_PLT)
  set(MPROC_BACKEND_COMPILE_OPTIONS -fno-plt)
endif()
