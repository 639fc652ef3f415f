# SPDX-License-Identifier: MIT
# Finding what the build needs, and naming the Debian package of what is missing.
find_package(PkgConfig QUIET)

function(costate_missing what package)
  message(FATAL_ERROR "${what} was not found.\nOn Debian and Ubuntu: sudo apt-get install ${package}  "
    "(or `make deps` for everything at once)")
endfunction()

# costate_require_pkg(<PREFIX> <module> <Debian package>): a library with a pkg-config file, as PkgConfig::<PREFIX>.
macro(costate_require_pkg prefix module package)
  if(NOT PKG_CONFIG_FOUND)
    costate_missing(pkg-config pkg-config)
  endif()
  pkg_check_modules(${prefix} QUIET IMPORTED_TARGET GLOBAL ${module})
  if(NOT ${prefix}_FOUND)
    costate_missing("${module}" ${package})
  endif()
endmacro()
