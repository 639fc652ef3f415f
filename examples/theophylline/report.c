/* SPDX-License-Identifier: MIT */
/* What the program prints, writes and draws. */
#include "report.h"

#include "../support/gnuplot.h"

#include <math.h>
#include <stdio.h>

void report_pooled(const findings *f) {
    static const char *const names[LINEAR_DOSE] = {"ke", "ka", "Cl"};
    static const char *const units[LINEAR_DOSE] = {"1/h", "1/h", "L/(h kg)"};
    printf("all subjects together, elimination ke C:\n");
    for (size_t i = 0; i < LINEAR_DOSE; i++) {
        printf("  %s = %-9.5g %-9s log %s = %.8f (standard error %.4f)\n", names[i], f->pooled.theta[i], units[i],
               names[i], log(f->pooled.theta[i]), f->pooled.error[i]);
    }
    printf("  residual sum of squares %.7f, %zu gradients\n", f->pooled.square_sum, f->pooled.n_gradient);
}

void report_singles(const findings *f) {
    printf("each subject alone:\n  subject   ke       ka       Cl       sum of squares\n");
    for (size_t k = 0; k < f->s->n; k++) {
        const linear_result *r = &f->single[k];
        printf("  %-8s  %-8.4g %-8.4g %-8.4g %.4f\n", f->s->name[k], r->theta[LINEAR_KE], r->theta[LINEAR_KA],
               r->theta[LINEAR_CL], r->square_sum);
    }
    printf("  sum over the subjects %.4f\n", f->single_sum);
}

void report_learned(const findings *f) {
    const learned_result *l = &f->learned;
    printf("all subjects together, elimination C softplus(N(C)), N with %zu parameters:\n", l->n_parameter);
    printf("  ka = %.5g 1/h, V = %.5g L/kg\n", l->theta[LEARNED_KA], l->theta[LEARNED_V]);
    printf("  at C =%8.2f, %.2f, %.2f mg/L: %.3f +- %.3f, %.3f +- %.3f, %.3f +- %.3f mg/(L h)\n",
           l->concentration[N_GRID / 4], l->concentration[N_GRID / 2], l->concentration[N_GRID - 1],
           l->rate[N_GRID / 4], l->rate_error[N_GRID / 4], l->rate[N_GRID / 2], l->rate_error[N_GRID / 2],
           l->rate[N_GRID - 1], l->rate_error[N_GRID - 1]);
    printf("  residual sum of squares %.4f, %zu gradients\n", l->square_sum, l->n_gradient);
}

/* Elimination of the linear model on the grid. */
static void linear_rate(const findings *f, double *rate) {
    for (size_t i = 0; i < N_GRID; i++) {
        rate[i] = f->pooled.theta[LINEAR_KE] * f->learned.concentration[i];
    }
}

bool report_write_csv(const findings *f, const char *path) {
    double linear[N_GRID];
    costate_message message;
    linear_rate(f, linear);
    const costate_csv_column columns[] = {{.name = "concentration", .x = f->learned.concentration},
                                          {.name = "learned_rate", .x = f->learned.rate},
                                          {.name = "standard_error", .x = f->learned.rate_error},
                                          {.name = "linear_rate", .x = linear}};
    if (costate_csv_write(path, N_GRID, 4, columns, NULL, &message) != COSTATE_OK) {
        fprintf(stderr, "theophylline: %s\n", message.text);
        return false;
    }
    return true;
}

static void write_concentrations(FILE *script, const findings *f) {
    const double *const data[] = {f->s->time, f->s->concentration};
    gnuplot_block(script, "data", f->s->n_observation, 2, data);
    for (size_t k = 0; k < f->s->n; k++) {
        char name[32];
        const double *const curve[] = {f->learned.curve_time, f->learned.curve + k * N_GRID};
        snprintf(name, sizeof(name), "curve%zu", k);
        gnuplot_block(script, name, N_GRID, 2, curve);
    }
    fputs("set title 'Theophylline in the blood'\nset xlabel 'h'\nset ylabel 'mg/L'\nset key top right\nplot ", script);
    for (size_t k = 0; k < f->s->n; k++) {
        fprintf(script, "$curve%zu using 1:2 with lines lw 1.5 lc rgb '%s' %s, ", k, GNUPLOT_BLUE,
                k == 0 ? "title 'learned elimination'" : "notitle");
    }
    fprintf(script, "$data using 1:2 with points pt 7 ps 0.6 lc rgb '%s' title 'observed'\n", GNUPLOT_ORANGE);
}

static void write_elimination(FILE *script, const findings *f) {
    double linear[N_GRID];
    double low[N_GRID];
    double high[N_GRID];
    const learned_result *l = &f->learned;
    linear_rate(f, linear);
    for (size_t i = 0; i < N_GRID; i++) {
        low[i] = l->rate[i] - 1.96 * l->rate_error[i];
        high[i] = l->rate[i] + 1.96 * l->rate_error[i];
    }
    const double *const columns[] = {l->concentration, l->rate, low, high, linear};
    gnuplot_block(script, "rate", N_GRID, 5, columns);
    fprintf(script,
            "set title 'Elimination'\nset xlabel 'concentration, mg/L'\nset ylabel 'mg/(L h)'\nset key top left\n"
            "plot $rate using 1:3:4 with filledcurves fs solid 0.2 noborder lc rgb '%s' title '95 %% band', "
            "$rate using 1:2 with lines lw 2.5 lc rgb '%s' title 'learned', "
            "$rate using 1:5 with lines lw 2 dt 2 lc rgb '%s' title 'first order'\n",
            GNUPLOT_BLUE, GNUPLOT_BLUE, GNUPLOT_ORANGE);
}

static void write_picture(FILE *script, const void *ctx) {
    fputs("set multiplot layout 1,2\n", script);
    write_concentrations(script, ctx);
    write_elimination(script, ctx);
    fputs("unset multiplot\n", script);
}

bool report_draw(const findings *f, const char *path) { return gnuplot_draw("theophylline", path, write_picture, f); }
