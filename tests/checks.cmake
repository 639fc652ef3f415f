# SPDX-License-Identifier: MIT
# Checks of the project itself: symbols, layers, headers, licence lines, README, installation.

add_executable(check_isa check_isa.c)
costate_warnings(check_isa)
target_link_libraries(check_isa PRIVATE costate_static)
add_test(NAME check_isa COMMAND check_isa)
set_tests_properties(check_isa PROPERTIES LABELS kernel SKIP_RETURN_CODE 77)

# costate_check(<name> <arguments>...): tests/check_<name>.sh
function(costate_check name)
  add_test(NAME check_${name} COMMAND ${CMAKE_CURRENT_SOURCE_DIR}/check_${name}.sh ${ARGN})
  set_tests_properties(check_${name} PROPERTIES LABELS check)
endfunction()

costate_check(layers ${PROJECT_SOURCE_DIR})
costate_check(headers ${PROJECT_SOURCE_DIR}/include ${PROJECT_BINARY_DIR}/include)
costate_check(spdx ${PROJECT_SOURCE_DIR})
costate_check(readme ${PROJECT_SOURCE_DIR})
costate_check(planted ${CMAKE_CURRENT_SOURCE_DIR} ${CMAKE_C_COMPILER} ${CMAKE_CURRENT_BINARY_DIR}/planted)

# What follows looks at the library as users get it; sanitizers add symbols and link requirements of their own.
if(NOT COSTATE_SANITIZE)
  set(kinds static)
  if(BUILD_SHARED_LIBS)
    costate_check(symbols $<TARGET_FILE:costate>)
    list(PREPEND kinds shared)
  endif()
  include(CheckLanguage)
  check_language(CXX)
  if(CMAKE_CXX_COMPILER AND COSTATE_INSTALL)
    add_test(NAME install COMMAND ${CMAKE_CURRENT_SOURCE_DIR}/install/check_install.sh ${PROJECT_SOURCE_DIR}
      ${PROJECT_BINARY_DIR} ${CMAKE_CURRENT_BINARY_DIR}/install ${CMAKE_C_COMPILER} ${CMAKE_CXX_COMPILER} ${kinds})
    set_tests_properties(install PROPERTIES LABELS install)
  endif()
endif()
