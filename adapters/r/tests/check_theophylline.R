# SPDX-License-Identifier: MIT
# Pooled theophylline fit: the optimum that nls() with SSfol() finds, through the differential equation and its adjoint.
library(costate)
stopifnot(R.version$major >= 4)
expected <- c(lKe = -2.52423948, lKa = 0.39922782, lCl = -3.24826299)

pk <- costate_model("one_compartment")
first <- !duplicated(Theoph$Subject)
rss <- costate_objective(pk, Theoph$Subject, Theoph$Time, Theoph$conc, dose = Theoph$Dose[first])
start <- c(lKe = -2, lKa = 0, lCl = -3)

closed_form <- function(p) {
  ke <- exp(p[1]); ka <- exp(p[2]); cl <- exp(p[3])
  with(Theoph, sum((conc - Dose * ke * ka / (cl * (ka - ke)) * (exp(-ke * Time) - exp(-ka * Time)))^2))
}
stopifnot(isTRUE(all.equal(rss$fn(start), closed_form(start), tolerance = 1e-7)))

difference <- function(fn, p, h = 1e-4) {
  sapply(seq_along(p), function(k) {
    e <- replace(numeric(length(p)), k, h)
    (8 * (fn(p + e) - fn(p - e)) - (fn(p + 2 * e) - fn(p - 2 * e))) / (12 * h)
  })
}
stopifnot(isTRUE(all.equal(rss$gr(start), difference(closed_form, start), tolerance = 1e-6, check.attributes = FALSE)))

judge <- function(name, value, par) {
  cat(sprintf("%-9s RSS %.7f  lKe %.8f  lKa %.8f  lCl %.8f\n", name, value, par[1], par[2], par[3]))
  stopifnot(abs(value - 274.4491) <= 1e-3, all(abs(par - expected) <= 1e-4))
}
fit <- optim(start, rss$fn, rss$gr, method = "BFGS", control = list(reltol = 1e-14, maxit = 500))
judge("BFGS", fit$value, fit$par)
fit <- optim(start, rss$fn, rss$gr, method = "L-BFGS-B", control = list(factr = 10, maxit = 500))
judge("L-BFGS-B", fit$value, fit$par)
fit <- nlminb(start, rss$fn, rss$gr)
judge("nlminb", fit$objective, fit$par)

# The rows in another order, other tolerances and several threads: the same optimum.
set.seed(1)
mixed <- Theoph[sample(nrow(Theoph)), ]
rss <- costate_objective(pk, mixed$Subject, mixed$Time, mixed$conc, dose = mixed$Dose[!duplicated(mixed$Subject)],
                         control = costate_control(method = "dop853", threads = 2))
fit <- nlminb(start, rss$fn, rss$gr)
judge("dop853", fit$objective, fit$par)
