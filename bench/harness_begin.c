/* SPDX-License-Identifier: MIT */
/* Start of a benchmark program: its command line, and a statement of what it runs on. */
#include "harness.h"

#include <costate/isa.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static void print_help(const bench *b, const char *about, const bench_switch *switches) {
    printf("usage: %s [options]\n\n%s\n\n", b->program, about);
    printf("  %-16s %s\n", "--quick", "short repetitions and few rounds: checks the results, its times mean little");
    printf("  %-16s %s\n", "--only A,B", "only groups whose \"name shape\" contains A or B");
    printf("  %-16s %s\n", "--csv FILE", "also write rows name,shape,variant,value,unit to FILE");
    for (const bench_switch *s = switches; s && s->name; s++) {
        printf("  %-16s %s\n", s->name, s->help);
    }
    printf("  %-16s %s\n", "--help", "this text");
    printf(
        "\nExit status: 0 all results verified, 1 a result was wrong or a file could not be written, 2 wrong usage.\n");
}

static const bench_switch *find_switch(const bench_switch *switches, const char *argument) {
    for (const bench_switch *s = switches; s && s->name; s++) {
        if (strcmp(s->name, argument) == 0) {
            return s;
        }
    }
    return NULL;
}

static bench_start parse(bench *b, int argc, char **argv, const char *about, const bench_switch *switches) {
    for (int i = 1; i < argc; i++) {
        const bool has_value = i + 1 < argc;
        const bench_switch *own = find_switch(switches, argv[i]);
        if (own) {
            *own->value = true;
        } else if (strcmp(argv[i], "--help") == 0) {
            print_help(b, about, switches);
            return BENCH_DONE;
        } else if (strcmp(argv[i], "--quick") == 0) {
            b->quick = true;
        } else if (strcmp(argv[i], "--only") == 0 && has_value) {
            b->only = argv[++i];
        } else if (strcmp(argv[i], "--csv") == 0 && has_value) {
            b->csv_path = argv[++i];
        } else {
            const bool known = strcmp(argv[i], "--only") == 0 || strcmp(argv[i], "--csv") == 0;
            fprintf(stderr, "%s: %s %s; see --help\n", b->program, argv[i],
                    known ? "needs a value" : "is not an option");
            return BENCH_USAGE_ERROR;
        }
    }
    return BENCH_RUN;
}

static void first_line_value(const char *path, const char *key, char *value, size_t size) {
    snprintf(value, size, "unknown");
    FILE *file = fopen(path, "r");
    if (!file) {
        return;
    }
    char line[512];
    while (fgets(line, sizeof line, file)) {
        if (strncmp(line, key, strlen(key)) == 0) {
            const char *colon = *key ? strchr(line, ':') : NULL;
            const char *text = colon ? colon + 1 : line;
            text += strspn(text, " \t");
            snprintf(value, size, "%.*s", (int)strcspn(text, "\n"), text);
            break;
        }
    }
    fclose(file);
}

static bool look_around(bench_machine *machine) {
    costate_isa isa;
    if (costate_isa_select(&isa) != COSTATE_OK) {
        return false;
    }
    snprintf(machine->isa, sizeof machine->isa, "%s", costate_isa_name(isa));
    first_line_value("/proc/cpuinfo", "model name", machine->cpu, sizeof machine->cpu);
    first_line_value("/proc/loadavg", "", machine->load, sizeof machine->load);
    machine->n_cpu = sysconf(_SC_NPROCESSORS_ONLN);
    const time_t seconds = time(NULL);
    strftime(machine->date, sizeof machine->date, "%Y-%m-%d %H:%M UTC", gmtime(&seconds));
    return true;
}

static bool describe(bench *b) {
    const bench_machine *m = &b->machine;
    if (!look_around(&b->machine)) {
        bench_fail(b, "the environment variable COSTATE_ISA does not name a variant that this CPU and build have");
        return false;
    }
    FILE *const out[] = {stdout, b->csv};
    for (size_t i = 0; i < 2 && out[i]; i++) {
        fprintf(
            out[i],
            "# %s%s, %s\n# CPU %s, %ld online, kernels %s, load average %s\n# compiler %s, %zu rounds of >= %g ms\n",
            b->program, b->quick ? " --quick" : "", m->date, m->cpu, m->n_cpu, m->isa, m->load, __VERSION__, b->n_round,
            1e3 * b->min_seconds);
    }
    if (b->csv) {
        fprintf(b->csv, "name,shape,variant,value,unit\n");
    }
    return true;
}

bench_start bench_begin(bench *b, int argc, char **argv, const char *about, const bench_switch *switches) {
    *b = (bench){.program = "bench"};
    if (argc > 0 && argv[0]) {
        const char *slash = strrchr(argv[0], '/');
        b->program = slash ? slash + 1 : argv[0];
    }
    const bench_start start = parse(b, argc, argv, about, switches);
    if (start != BENCH_RUN) {
        return start;
    }
    b->n_round = b->quick ? 3 : 11;
    b->min_seconds = b->quick ? 1e-4 : 1e-2;
    if (b->csv_path) {
        b->csv = fopen(b->csv_path, "w");
        if (!b->csv) {
            fprintf(stderr, "%s: %s: %s\n", b->program, b->csv_path, strerror(errno));
            return BENCH_USAGE_ERROR;
        }
    }
    return describe(b) ? BENCH_RUN : BENCH_USAGE_ERROR;
}
