# SPDX-License-Identifier: MIT
# Sources that are compiled more than once: for each precision, or for each instruction set of COSTATE_ISAS, whose
# compiler options are in COSTATE_OPTIONS_<name>. To be included once costate_objects exists.

# costate_variant(<name> <source> [DEFINITIONS ...] [OPTIONS ...]): an object library of one source. The names are
# collected in the global property COSTATE_VARIANTS for the targets that link costate_objects.
function(costate_variant name source)
  cmake_parse_arguments(arg "" "" "DEFINITIONS;OPTIONS" ${ARGN})
  add_library(${name} OBJECT ${source})
  costate_warnings(${name})
  set_target_properties(${name} PROPERTIES C_VISIBILITY_PRESET hidden POSITION_INDEPENDENT_CODE ON)
  target_compile_options(${name} PRIVATE -ffp-contract=off ${arg_OPTIONS})
  target_compile_definitions(${name} PRIVATE ${arg_DEFINITIONS})
  target_include_directories(${name} PRIVATE ${PROJECT_SOURCE_DIR}/include ${PROJECT_BINARY_DIR}/include ${PROJECT_SOURCE_DIR}/src
                                             ${SLEEF_INCLUDE_DIRS})
  set_property(GLOBAL APPEND PROPERTY COSTATE_VARIANTS ${name})
endfunction()

set(COSTATE_ISAS generic)
set(COSTATE_OPTIONS_generic -O2)
if(COSTATE_VECTOR_KERNELS AND CMAKE_SYSTEM_PROCESSOR MATCHES "^(x86_64|AMD64|amd64)$")
  list(APPEND COSTATE_ISAS fma avx2 avx512)
  set(COSTATE_OPTIONS_fma -mfma -O2)
  set(COSTATE_OPTIONS_avx2 -mavx2 -mfma -DCSI_ISA_AVX2)
  set(COSTATE_OPTIONS_avx512 -mavx512f -mavx512dq -mavx512vl -mavx512bw -mfma -mbmi2 -mprefer-vector-width=512 -DCSI_ISA_AVX512)
  target_compile_definitions(costate_objects PRIVATE CSI_HAVE_FMA CSI_HAVE_AVX2 CSI_HAVE_AVX512)
endif()
