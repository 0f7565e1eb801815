# Installs the static library and the headers; APR's own install target wants
# all of its targets built.
file(INSTALL ${BIN}/libapr-1.a DESTINATION ${DST}/lib)
file(GLOB headers ${SRC}/include/apr_*.h)
file(INSTALL ${headers} ${BIN}/apr.h DESTINATION ${DST}/include/apr-1)
