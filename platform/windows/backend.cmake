# Windows 10 and later. Static only: APR's usual build there is static, and a
# program must not have APR twice.
file(GLOB MPROC_BACKEND_SOURCES CONFIGURE_DEPENDS
  RELATIVE ${CMAKE_CURRENT_SOURCE_DIR}
  ${CMAKE_CURRENT_SOURCE_DIR}/windows/*.c)
set(MPROC_BACKEND_LIBRARIES ws2_32 synchronization)
set(MPROC_BACKEND_DEFINITIONS _WIN32_WINNT=0x0A00 UNICODE _UNICODE)
set(MPROC_BACKEND_STATIC MPROC_DECLARE_STATIC)
set(MPROC_BACKEND_SHARED OFF)
if(MINGW)
  # Else thread-local data asks for a DLL of the compiler's.
  set(MPROC_BACKEND_LINK_OPTIONS -static)
  # APR's formats for 64 bits (I64d) work in both printf families of mingw,
  # but the compiler takes them for wrong. Formats are checked elsewhere.
  set(MPROC_BACKEND_COMPILE_OPTIONS -Wno-format)
endif()
set(MPROC_BACKEND_SUPPORT windows)
