/* SPDX-License-Identifier: MIT */
/* Prints the kernel variant in use; exit status 77 when COSTATE_ISA asks for one that this CPU or build lacks. */
#include <costate/isa.h>
#include <stdio.h>
#include <stdlib.h>

#define EXIT_SKIPPED 77

int main(void) {
    costate_isa isa;
    const costate_status status = costate_isa_select(&isa);
    if (status == COSTATE_OK) {
        printf("kernel variant: %s\n", costate_isa_name(isa));
        return EXIT_SUCCESS;
    }
    printf("%s\n", costate_status_message(status));
    return status == COSTATE_ERR_UNSUPPORTED ? EXIT_SKIPPED : EXIT_FAILURE;
}
