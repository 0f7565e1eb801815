# Finds the Apache Portable Runtime, version 1. Gives the target APR::APR.
#
# Linux packages of APR bring a pkg-config file and no CMake package; Windows
# ones bring neither reliably. APR_INCLUDE_DIR and APR_LIBRARY may be given.

find_package(PkgConfig QUIET)
if(PkgConfig_FOUND AND NOT CMAKE_CROSSCOMPILING)
  pkg_check_modules(PC_APR QUIET apr-1)
endif()
find_path(APR_INCLUDE_DIR apr_pools.h
  HINTS ${PC_APR_INCLUDE_DIRS} PATH_SUFFIXES apr-1 apr-1.0)
find_library(APR_LIBRARY NAMES apr-1 libapr-1 HINTS ${PC_APR_LIBRARY_DIRS})

if(APR_INCLUDE_DIR AND EXISTS "${APR_INCLUDE_DIR}/apr_version.h")
  foreach(part MAJOR MINOR PATCH)
    file(STRINGS "${APR_INCLUDE_DIR}/apr_version.h" APR_${part}
      REGEX "define +APR_${part}_VERSION +[0-9]+")
    string(REGEX MATCH "[0-9]+" APR_${part} "${APR_${part}}")
  endforeach()
  set(APR_VERSION ${APR_MAJOR}.${APR_MINOR}.${APR_PATCH})
endif()

include(FindPackageHandleStandardArgs)
find_package_handle_standard_args(APR
  REQUIRED_VARS APR_LIBRARY APR_INCLUDE_DIR VERSION_VAR APR_VERSION)
mark_as_advanced(APR_LIBRARY APR_INCLUDE_DIR)

if(APR_FOUND AND NOT TARGET APR::APR)
  add_library(APR::APR UNKNOWN IMPORTED)
  set_target_properties(APR::APR PROPERTIES
    IMPORTED_LOCATION "${APR_LIBRARY}"
    INTERFACE_INCLUDE_DIRECTORIES "${APR_INCLUDE_DIR}")
  if(WIN32)
    if(NOT APR_LIBRARY MATCHES "(\\.dll\\.a|libapr-1\\.lib)$")
      set_target_properties(APR::APR PROPERTIES
        INTERFACE_COMPILE_DEFINITIONS APR_DECLARE_STATIC
        INTERFACE_LINK_LIBRARIES "ws2_32;mswsock;rpcrt4;iphlpapi;shell32")
    endif()
  else()
    # APR asks for _GNU_SOURCE. Its headers need only these two, which leave
    # the choice to each file (and which C++ compilers define by themselves).
    set_target_properties(APR::APR PROPERTIES INTERFACE_COMPILE_DEFINITIONS
      "$<$<COMPILE_LANGUAGE:C>:_DEFAULT_SOURCE;_LARGEFILE64_SOURCE>")
  endif()
endif()
