# SPDX-License-Identifier: MIT
# costate_warnings(<target>): the project's warning set, errors with COSTATE_WERROR.
function(costate_warnings target)
  # gcc only warns about a function that no header declares, and then calls it with the wrong types.
  target_compile_options(${target} PRIVATE -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wstrict-prototypes
    -Wmissing-prototypes -Wvla -Wdouble-promotion -Werror=implicit-function-declaration
    $<$<BOOL:${COSTATE_WERROR}>:-Werror>)
endfunction()
