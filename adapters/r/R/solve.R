# SPDX-License-Identifier: MIT
# Models, options and solutions.
costate_control <- function(method = "tsit5", rtol = 1e-8, atol = 1e-10, max_steps = 1e5, threads = 1) {
  list(method = method, rtol = rtol, atol = atol, max_steps = max_steps, threads = threads)
}

costate_model <- function(model) {
  pointer <- if (inherits(model, "costate_network")) .Call(cr_model_network, model$pointer) else
    .Call(cr_model_builtin, model)
  structure(c(list(pointer = pointer), .Call(cr_model_names, pointer)), class = "costate_model")
}

print.costate_model <- function(x, ...) {
  few <- function(names) paste(c(head(names, 6), if (length(names) > 6) "..."), collapse = ", ")
  cat(sprintf("model %s: states %s; parameters %s\n", x$name, few(x$state), few(x$param)))
  invisible(x)
}

costate_solve <- function(model, p, y0, times, control = costate_control()) {
  y <- .Call(cr_solve, model$pointer, as.double(p), as.double(y0), as.double(times), control)
  result <- cbind(times, t(y))
  dimnames(result) <- list(NULL, c("time", model$state))
  result
}
