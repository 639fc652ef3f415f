# SPDX-License-Identifier: MIT
# compare_stan.R <directory of the model> <theophylline.csv> <own_gradient.csv>: compiles the model with rstan and compares
# grad_log_prob with the gradient that own_gradient printed. COSTATE_CFLAGS and COSTATE_LIBS say how to compile and link.
suppressMessages(library(rstan))
arguments <- commandArgs(trailingOnly = TRUE)
here <- normalizePath(arguments[1])
table <- read.csv(arguments[2])
own <- as.matrix(read.csv(arguments[3], header = FALSE))

# Debian's package BH has no headers of its own: they are the system's.
if (!file.exists(rstan_options("boost_lib"))) {
  rstan_options(boost_lib = "/usr/include")
}
makevars <- tempfile()
writeLines(c(sprintf("PKG_CXXFLAGS += %s -include %s/learned_elimination.hpp", Sys.getenv("COSTATE_CFLAGS"), here),
             sprintf("PKG_LIBS += %s", Sys.getenv("COSTATE_LIBS"))), makevars)
Sys.setenv(R_MAKEVARS_USER = makevars)
model <- stan_model(file.path(here, "learned_elimination.stan"), allow_undefined = TRUE,
                    includes = sprintf("\n#include \"%s/log_likelihood.hpp\"\n", here))

begin <- which(!duplicated(table$Subject))
data <- list(n_subject = length(begin), n_row = nrow(table), n_weight = ncol(own) - 4, time = table$Time,
             conc = table$conc, first = c(begin, nrow(table) + 1), dose = table$Dose[begin])
fit <- suppressMessages(sampling(model, data, chains = 0))

worst <- 0
for (k in seq_len(nrow(own))) {
  point <- k - 1
  w <- (1 + point) * 0.1 * sin(1 + 0.7 * (seq_len(data$n_weight) - 1))
  w[length(w)] <- w[length(w)] - 2
  at <- list(log_ka = 0.4 - 0.3 * point, log_V = -0.7 + 0.2 * point, w = w, sigma = 1.5 - 0.4 * point)
  free <- unconstrain_pars(fit, at)
  prior <- with(at, -log_ka^2 / 2 - (log_V + 1)^2 / 2 - sum(w^2) / 8 - sigma)
  slope <- own[k, -1] + with(at, c(-log_ka, -log_V - 1, -w / 4, -1))
  slope[length(slope)] <- slope[length(slope)] * at$sigma
  told <- grad_log_prob(fit, free, adjust_transform = FALSE)
  apart <- c(abs(attr(told, "log_prob") - own[k, 1] - prior) / abs(own[k, 1]), max(abs(told - slope)) / max(abs(slope)))
  stopifnot(length(told) == length(slope), all(is.finite(apart)))
  worst <- max(worst, apart)

  numeric <- sapply(seq_along(free), function(i) {
    h <- replace(0 * free, i, 1e-4)
    (log_prob(fit, free + h, adjust_transform = FALSE) - log_prob(fit, free - h, adjust_transform = FALSE)) / 2e-4
  })
  stopifnot(max(abs(told - numeric)) <= 1e-5 * max(abs(slope)))
}
cat(sprintf("largest relative difference: %.1e\n", worst))
stopifnot(worst <= 1e-10)
