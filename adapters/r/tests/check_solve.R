# SPDX-License-Identifier: MIT
# Solutions, failures as conditions, interrupts, and handles that did not survive.
library(costate)
lv <- costate_model("lotka_volterra")
p <- c(1.5, 1, 3, 1)
y <- costate_solve(lv, p, c(1, 1), 0:10, costate_control(method = "dop853", rtol = 1e-12, atol = 1e-13))
stopifnot(identical(colnames(y), c("time", "x", "y")), nrow(y) == 11,
          all(abs(y[11, -1] - c(1.026344767575084, 0.9096910781363453)) <= 1e-9))

# sum of x + y over the record: gradient with respect to the parameters, by way of residuals against data far away.
times <- seq(0, 10, by = 0.1)
far <- 1e6
sum_of <- costate_objective(lv, rep(1, 101), times, matrix(-far, 101, 2, dimnames = list(NULL, c("x", "y"))), y0 = c(1, 1),
                            control = costate_control(method = "dop853", rtol = 1e-12, atol = 1e-13))
gradient <- c(8.30536266231077, -159.48429271513157, 75.20350821377296, -339.19509276608903)
stopifnot(all(abs(sum_of$gr(p) / (2 * far) - gradient) <= 1e-2))

caught <- function(call, class) {
  condition <- tryCatch(call, condition = identity)
  if (!inherits(condition, class)) {
    print(condition)
    stop("no condition of class ", class)
  }
  invisible(condition)
}
failure <- caught(costate_solve(lv, p, c(1, 1), c(0, 1e6), costate_control(max_steps = 100)), "COSTATE_ERR_MAX_STEPS")
stopifnot(inherits(failure, "costate_error"), failure$status == "COSTATE_ERR_MAX_STEPS", nzchar(conditionMessage(failure)))
caught(costate_solve(lv, p, c(1, NA), 0:1), "COSTATE_ERR_NONFINITE")
caught(costate_solve(lv, p[-1], c(1, 1), 0:1), "simpleError")
caught(costate_solve(lv, p, c(1, 1), 0:1, costate_control(method = "euler")), "COSTATE_ERR_ARGUMENT")
caught(costate_model("unheard_of"), "simpleError")
caught(costate_network(2, c(3, 0), "tanh"), "COSTATE_ERR_ARGUMENT")
caught(costate_model(costate_network(4, 2, "tanh")), "COSTATE_ERR_SIZE")

# A failed integration is worth `failed`, or a condition.
hard <- function(failed) costate_objective(lv, c(1, 1), c(1, 50), c(1, 1), y0 = c(1, 1), failed = failed,
                                           control = costate_control(max_steps = 20))
stopifnot(identical(hard(Inf)$fn(p), Inf), identical(hard(1e10)$fn(p), 1e10))
caught(hard(NULL)$fn(p), "COSTATE_ERR_MAX_STEPS")
caught(hard(Inf)$gr(p), "COSTATE_ERR_MAX_STEPS")

# A pointer that was saved and read back points nowhere.
stale <- unserialize(serialize(lv, NULL))
stopifnot(grepl("another session", conditionMessage(caught(costate_solve(stale, p, c(1, 1), 0:1), "simpleError"))))

# Released in any order, without a solve and after one.
for (k in 1:50) {
  hard(Inf)$fn(p)
  costate_model(costate_network(2, c(4, 2), "tanh"))
}
invisible(gc())

if (.Platform$OS.type == "unix") {
  system(sprintf("(sleep 2; kill -INT %d)", Sys.getpid()), wait = FALSE)
  endless <- costate_control(rtol = 1e-10, max_steps = 1e12)
  stopped <- tryCatch(costate_solve(lv, p, c(1, 1), c(0, 1e7), endless), interrupt = function(condition) "interrupted")
  stopifnot(identical(stopped, "interrupted"))
}
