# Finds msgpack-c, the C library for MessagePack. Gives MsgpackC::MsgpackC.
#
# Up to version 5 its package is `msgpack` and its library `msgpackc`; since
# version 6 both are `msgpack-c`. MSGPACKC_INCLUDE_DIR and MSGPACKC_LIBRARY
# may be given.

find_package(PkgConfig QUIET)
if(PkgConfig_FOUND AND NOT CMAKE_CROSSCOMPILING)
  pkg_search_module(PC_MSGPACKC QUIET msgpack-c msgpack)
endif()
find_path(MSGPACKC_INCLUDE_DIR msgpack.h HINTS ${PC_MSGPACKC_INCLUDE_DIRS})
find_library(MSGPACKC_LIBRARY NAMES msgpack-c msgpackc
  HINTS ${PC_MSGPACKC_LIBRARY_DIRS})

include(FindPackageHandleStandardArgs)
find_package_handle_standard_args(MsgpackC
  REQUIRED_VARS MSGPACKC_LIBRARY MSGPACKC_INCLUDE_DIR)
mark_as_advanced(MSGPACKC_LIBRARY MSGPACKC_INCLUDE_DIR)

if(MsgpackC_FOUND AND NOT TARGET MsgpackC::MsgpackC)
  add_library(MsgpackC::MsgpackC UNKNOWN IMPORTED)
  set_target_properties(MsgpackC::MsgpackC PROPERTIES
    IMPORTED_LOCATION "${MSGPACKC_LIBRARY}"
    INTERFACE_INCLUDE_DIRECTORIES "${MSGPACKC_INCLUDE_DIR}")
endif()
