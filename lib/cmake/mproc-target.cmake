# What every target of this project is compiled with. Nothing of it reaches
# those who use the library.

function(mproc_target name)
  set_target_properties(${name} PROPERTIES
    C_STANDARD 11
    C_STANDARD_REQUIRED ON
    C_EXTENSIONS OFF
    C_VISIBILITY_PRESET hidden
    POSITION_INDEPENDENT_CODE ON)
  target_compile_options(${name} PRIVATE
    -Wall -Wextra -Wpedantic -Werror=implicit-function-declaration
    ${MPROC_BACKEND_COMPILE_OPTIONS})
  if(MPROC_WERROR)
    target_compile_options(${name} PRIVATE -Werror)
  endif()
  if(MPROC_SANITIZE)
    target_compile_options(${name} PRIVATE -fsanitize=${MPROC_SANITIZE}
      -fno-sanitize-recover=all -fno-omit-frame-pointer)
    target_link_options(${name} PRIVATE -fsanitize=${MPROC_SANITIZE})
  endif()
  # A function's module is told by its build ID, so there must be one.
  get_target_property(type ${name} TYPE)
  if(type STREQUAL "EXECUTABLE" OR type MATCHES "(SHARED|MODULE)_LIBRARY")
    target_link_options(${name} PRIVATE ${MPROC_BACKEND_LINK_OPTIONS})
  endif()
endfunction()
