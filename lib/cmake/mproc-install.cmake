# What `cmake --install` puts where.

include(CMakePackageConfigHelpers)

set(config ${CMAKE_INSTALL_LIBDIR}/cmake/mproc)
install(TARGETS ${libraries} EXPORT mproc-targets
  ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR}
  LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR}
  RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
install(EXPORT mproc-targets NAMESPACE mproc:: DESTINATION ${config})
install(DIRECTORY ${CMAKE_CURRENT_SOURCE_DIR}/include/
  DESTINATION ${CMAKE_INSTALL_INCLUDEDIR} FILES_MATCHING PATTERN *.h)
configure_package_config_file(cmake/mproc-config.cmake.in
  ${CMAKE_CURRENT_BINARY_DIR}/mproc-config.cmake
  INSTALL_DESTINATION ${config})
write_basic_package_version_file(
  ${CMAKE_CURRENT_BINARY_DIR}/mproc-config-version.cmake
  COMPATIBILITY SameMinorVersion)
install(FILES
  ${CMAKE_CURRENT_BINARY_DIR}/mproc-config.cmake
  ${CMAKE_CURRENT_BINARY_DIR}/mproc-config-version.cmake
  cmake/FindAPR.cmake cmake/FindMsgpackC.cmake
  DESTINATION ${config})

# A folder may be given as an absolute path; the .pc file wants either.
foreach(dir LIBDIR INCLUDEDIR BINDIR)
  if(IS_ABSOLUTE "${CMAKE_INSTALL_${dir}}")
    set(MPROC_PC_${dir} "${CMAKE_INSTALL_${dir}}")
  else()
    set(MPROC_PC_${dir} "\${prefix}/${CMAKE_INSTALL_${dir}}")
  endif()
endforeach()
get_filename_component(msgpack "${MSGPACKC_LIBRARY}" NAME_WE)
string(REGEX REPLACE "^lib" "-l" MPROC_PC_PRIVATE "${msgpack}")
if(MPROC_WITH_NET)
  string(APPEND MPROC_PC_PRIVATE " -lssl -lcrypto")
endif()
foreach(library IN LISTS MPROC_BACKEND_LIBRARIES)
  if(library STREQUAL Threads::Threads)
    string(APPEND MPROC_PC_PRIVATE " -pthread")
  else()
    string(APPEND MPROC_PC_PRIVATE " -l${library}")
  endif()
endforeach()
if(MPROC_BACKEND_STATIC)
  list(TRANSFORM MPROC_BACKEND_STATIC PREPEND -D OUTPUT_VARIABLE defines)
  string(REPLACE ";" " " MPROC_PC_CFLAGS "${defines}")
endif()
configure_file(cmake/mproc.pc.in ${CMAKE_CURRENT_BINARY_DIR}/mproc.pc @ONLY)
install(FILES ${CMAKE_CURRENT_BINARY_DIR}/mproc.pc
  DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)

# The programs find the shared library beside them, wherever the whole is put.
file(RELATIVE_PATH up /${CMAKE_INSTALL_BINDIR} /${CMAKE_INSTALL_LIBDIR})
set_target_properties(mproc-host mproc-inspect PROPERTIES
  INSTALL_RPATH "$ORIGIN/${up}")
install(TARGETS mproc-host mproc-inspect
  RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
