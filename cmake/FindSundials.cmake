# SPDX-License-Identifier: MIT
# Sundials::cvodes: CVODES with the serial vector, dense matrix and solver, and both nonlinear solvers.
#
# The CMake package of SUNDIALS itself is not used: as distributions build it, it looks for OpenMP, MPI and more.
find_path(Sundials_INCLUDE_DIR cvodes/cvodes.h)
set(_sundials_required)
set(_sundials_libraries)
foreach(name cvodes nvecserial sunmatrixdense sunlinsoldense sunnonlinsolnewton sunnonlinsolfixedpoint)
  find_library(Sundials_${name}_LIBRARY sundials_${name})
  mark_as_advanced(Sundials_${name}_LIBRARY)
  list(APPEND _sundials_required Sundials_${name}_LIBRARY)
  list(APPEND _sundials_libraries ${Sundials_${name}_LIBRARY})
endforeach()
# Since version 7 what every module shares is a library of its own.
find_library(Sundials_core_LIBRARY sundials_core)
if(Sundials_core_LIBRARY)
  list(APPEND _sundials_libraries ${Sundials_core_LIBRARY})
endif()
mark_as_advanced(Sundials_INCLUDE_DIR Sundials_core_LIBRARY)

if(Sundials_INCLUDE_DIR AND EXISTS ${Sundials_INCLUDE_DIR}/sundials/sundials_config.h)
  file(STRINGS ${Sundials_INCLUDE_DIR}/sundials/sundials_config.h _sundials_version REGEX "#define SUNDIALS_VERSION \"")
  string(REGEX REPLACE ".*\"([0-9.]+).*" "\\1" Sundials_VERSION "${_sundials_version}")
endif()

include(FindPackageHandleStandardArgs)
find_package_handle_standard_args(Sundials REQUIRED_VARS ${_sundials_required} Sundials_INCLUDE_DIR
  VERSION_VAR Sundials_VERSION)
if(Sundials_FOUND AND NOT TARGET Sundials::cvodes)
  add_library(Sundials::cvodes INTERFACE IMPORTED GLOBAL)
  target_include_directories(Sundials::cvodes INTERFACE ${Sundials_INCLUDE_DIR})
  target_link_libraries(Sundials::cvodes INTERFACE ${_sundials_libraries})
endif()
unset(_sundials_required)
unset(_sundials_libraries)
unset(_sundials_version)
