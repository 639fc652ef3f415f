/* SPDX-License-Identifier: MIT */
/* What the CPU and the operating system allow. */
#ifndef CSI_CPU_H
#define CSI_CPU_H

#include <costate/isa.h>
#include <stdbool.h>

/* True if this CPU executes the variant's instructions and the OS saves its registers, whatever the build contains. */
bool csi_cpu_has(costate_isa isa);

#endif
