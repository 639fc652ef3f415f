# SPDX-License-Identifier: MIT
# Hosts that are R packages: deSolve, the package of adapters/r, rstan. Their tests compile what they need by R's own
# tools, against the shared library of this build. R itself is built without sanitizers.
if(COSTATE_BUILD_TESTS AND BUILD_SHARED_LIBS AND NOT COSTATE_SANITIZE)
  set(flags "COSTATE_CFLAGS=-I${PROJECT_SOURCE_DIR}/include -I${PROJECT_BINARY_DIR}/include"
    "COSTATE_LIBS=-L$<TARGET_FILE_DIR:costate> -lcostate -Wl,-rpath,$<TARGET_FILE_DIR:costate>" "CC=${CMAKE_C_COMPILER}")
  set(data ${PROJECT_SOURCE_DIR}/data/theophylline.csv)
  foreach(name desolve r stan)
    add_test(NAME adapter_${name} COMMAND ${PROJECT_SOURCE_DIR}/tests/adapter_${name}.sh ${CMAKE_CURRENT_LIST_DIR}/${name}
      ${PROJECT_BINARY_DIR}/adapters/${name}-run ${data})
    set_tests_properties(adapter_${name} PROPERTIES LABELS adapter SKIP_RETURN_CODE 77 ENVIRONMENT "${flags}")
  endforeach()
  # Compiling a Stan model takes most of a minute, and gigabytes.
  set_tests_properties(adapter_stan PROPERTIES LABELS "adapter;slow" TIMEOUT 1800)
endif()
