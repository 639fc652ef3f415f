# SPDX-License-Identifier: MIT
# Target `docs`: the reference of the public headers, in doc/html of the build directory. Doxygen's warnings are errors.
find_program(DOXYGEN_EXECUTABLE doxygen)
mark_as_advanced(DOXYGEN_EXECUTABLE)
if(DOXYGEN_EXECUTABLE)
  configure_file(doc/Doxyfile.in doc/Doxyfile @ONLY)
  add_custom_target(docs COMMAND ${DOXYGEN_EXECUTABLE} ${CMAKE_CURRENT_BINARY_DIR}/doc/Doxyfile VERBATIM
    COMMENT "Documentation in ${CMAKE_CURRENT_BINARY_DIR}/doc/html")
else()
  add_custom_target(docs VERBATIM
    COMMAND ${CMAKE_COMMAND} -E echo "doxygen was not found; on Debian: sudo apt-get install doxygen"
    COMMAND ${CMAKE_COMMAND} -E false)
endif()
