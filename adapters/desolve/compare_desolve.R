# SPDX-License-Identifier: MIT
# compare_desolve.R <elimination.so> <own_solution.csv>: solves the compiled model with deSolve and compares with costate's
# solver, and the model's functions with the same in R. The last line says how far they are apart.
library(deSolve)
arguments <- commandArgs(trailingOnly = TRUE)
dyn.load(arguments[1])
own <- as.matrix(read.csv(arguments[2]))

theta <- c(ka = 1.5, k12 = 0.2, k21 = 0.1)
w <- 0.1 * sin(1 + 0.7 * (0:15))
parms <- c(theta, w, dose = 10)
start <- c(depot = 10, central = 0, peripheral = 0)
times <- own[, "time"]
doses <- list(func = "dose", time = c(12, 24))

by_hand <- function(y) {
  n <- sum(w[11:15] * tanh(w[1:5] * 0.2 * y[2] + w[6:10])) + w[16]
  absorbed <- theta[["ka"]] * y[1]
  exchange <- theta[["k12"]] * y[2] - theta[["k21"]] * y[3]
  list(unname(c(-absorbed, absorbed - exchange - y[2] * log1p(exp(n)), exchange)), n)
}

run <- function(...) ode(start, times, func = "derivs", parms = parms, dllname = "elimination", initfunc = "initmod",
                         nout = 1, outnames = "learned", events = doses, rtol = 1e-12, atol = 1e-12, maxsteps = 1e5,
                         ...)

# The functions themselves.
y <- c(3, 2.5, 0.7)
told <- DLLfunc("derivs", 0, y, parms, dllname = "elimination", initfunc = "initmod", nout = 1)
stopifnot(all(abs(told$dy - by_hand(y)[[1]]) <= 1e-14), abs(told$var - by_hand(y)[[2]]) <= 1e-14)
jac <- .C("jac", 3L, 0, y, 0L, 0L, pd = double(9), 3L, double(1), c(1L, 1L, 3L), PACKAGE = "elimination")$pd
h <- 1e-5
slope <- sapply(1:3, function(j) (by_hand(replace(y, j, y[j] + h))[[1]] - by_hand(replace(y, j, y[j] - h))[[1]]) / (2 * h))
stopifnot(all(is.finite(jac)), all(abs(jac - c(slope)) <= 1e-9))

# A row at the time of an event holds the state before it, in deSolve as in the file.
counts <- function(out) attr(out, "istate")[c(3, 14)]
runs <- list("lsoda" = run(method = "lsoda"),
             "lsoda, jac" = run(method = "lsoda", jacfunc = "jac", jactype = "fullusr"),
             "lsode" = run(method = "lsode"),
             "lsode, jac" = run(method = "lsode", jacfunc = "jac", jactype = "fullusr"))
worst <- 0
for (name in names(runs)) {
  out <- runs[[name]]
  stopifnot(nrow(out) == nrow(own), all(is.finite(out)))
  learned <- sapply(seq_len(nrow(out)), function(i) by_hand(out[i, 2:4])[[2]])
  stopifnot(all(abs(out[, "learned"] - learned) <= 1e-13))
  apart <- max(abs(out[, colnames(own)] - own))
  cat(sprintf("%-10s %4d evaluations, %2d Jacobians, %.1e from costate's solution\n", name, counts(out)[1], counts(out)[2],
              apart))
  worst <- max(worst, apart)
}
# lsoda stays with its method for problems that are not stiff; lsode needs a Jacobian, and is spared the differences.
jacobians <- counts(runs[["lsode, jac"]])[2]
stopifnot(jacobians > 0, counts(runs[["lsode, jac"]])[1] <= counts(runs[["lsode"]])[1] - 2 * jacobians)
cat(sprintf("largest difference: %.1e\n", worst))
stopifnot(worst <= 1e-8)
