# Installs libssl, libcrypto and their headers; some of those are generated.
file(INSTALL ${BIN}/libssl.a ${BIN}/libcrypto.a DESTINATION ${DST}/lib)
file(GLOB headers ${SRC}/include/openssl/*.h ${BIN}/include/openssl/*.h)
file(INSTALL ${headers} DESTINATION ${DST}/include/openssl)
