# SPDX-License-Identifier: MIT
# run.R <project directory> <reference file>: elimination.cpp by mrgsolve itself against the library's solution. Exit status 77
# when the package is missing.
if (!requireNamespace("mrgsolve", quietly = TRUE)) {
  cat("the R package mrgsolve is not installed\n")
  quit(status = 77)
}
suppressPackageStartupMessages(library(mrgsolve))
arguments <- commandArgs(trailingOnly = TRUE)
reference <- read.table(arguments[2], col.names = c("time", "depot", "central"))
model <- mread("elimination", project = arguments[1], soloc = tempdir(), quiet = TRUE)
model <- update(model, rtol = 1e-12, atol = 1e-12, maxsteps = 1e5)
doses <- ev(amt = 320, cmt = 1)
out <- as.data.frame(mrgsim(model, events = doses, tgrid = reference$time, obsonly = TRUE))
difference <- max(abs(out$DEPOT - reference$depot) / pmax(1, reference$depot),
                  abs(out$CENT - reference$central) / pmax(1, reference$central),
                  abs(out$CP - reference$central / 20))
cat(sprintf("difference %.2e\n", difference))
if (!is.finite(difference) || difference > 1e-8) {
  quit(status = 1)
}
