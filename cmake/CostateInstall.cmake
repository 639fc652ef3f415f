# SPDX-License-Identifier: MIT
# Install rules: headers, libraries, the CMake package and the pkg-config file. All of them find each other by relative
# paths, so that an installed tree may be moved.
include(CMakePackageConfigHelpers)

set(cmake_dir ${CMAKE_INSTALL_LIBDIR}/cmake/costate)

install(DIRECTORY include/costate DESTINATION ${CMAKE_INSTALL_INCLUDEDIR} FILES_MATCHING PATTERN "*.h")
install(FILES ${CMAKE_CURRENT_BINARY_DIR}/include/costate/version.h DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/costate)
install(FILES LICENSE DESTINATION ${CMAKE_INSTALL_DOCDIR})

# Two export sets, because a program that links the shared library needs none of the static library's dependencies.
install(TARGETS costate EXPORT costate_main)
install(TARGETS costate_static EXPORT costate_static)
install(EXPORT costate_main NAMESPACE costate:: FILE costate-targets.cmake DESTINATION ${cmake_dir})
install(EXPORT costate_static NAMESPACE costate:: FILE costate-static-targets.cmake DESTINATION ${cmake_dir})

configure_package_config_file(cmake/costate-config.cmake.in costate-config.cmake INSTALL_DESTINATION ${cmake_dir}
  NO_SET_AND_CHECK_MACRO)
write_basic_package_version_file(costate-config-version.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${CMAKE_CURRENT_BINARY_DIR}/costate-config.cmake ${CMAKE_CURRENT_BINARY_DIR}/costate-config-version.cmake
  cmake/FindSundials.cmake DESTINATION ${cmake_dir})

# What the archive needs from SUNDIALS, which has no pkg-config file.
set(pc_sundials)
get_target_property(sundials_libraries Sundials::cvodes INTERFACE_LINK_LIBRARIES)
foreach(library ${sundials_libraries})
  get_filename_component(name ${library} NAME)
  string(REGEX REPLACE "^lib(.*)\\.(so|a|dylib)$" "\\1" name ${name})
  string(APPEND pc_sundials " -l${name}")
endforeach()
list(GET sundials_libraries 0 first_library)
get_filename_component(sundials_dir ${first_library} DIRECTORY)
if(NOT sundials_dir IN_LIST CMAKE_C_IMPLICIT_LINK_DIRECTORIES)
  string(PREPEND pc_sundials "-L${sundials_dir}")
endif()
string(STRIP "${pc_sundials}" pc_sundials)

file(RELATIVE_PATH pc_prefix /${CMAKE_INSTALL_LIBDIR}/pkgconfig /)
string(REGEX REPLACE "/$" "" pc_prefix ${pc_prefix})
configure_file(cmake/costate.pc.in costate.pc @ONLY)
install(FILES ${CMAKE_CURRENT_BINARY_DIR}/costate.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
