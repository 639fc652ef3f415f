# SPDX-License-Identifier: MIT
# Sum of squares and gradient, in the form that optim() and nlminb() take.
costate_objective <- function(model, id, time, value, dose = NULL, y0 = NULL, t0 = 0, failed = Inf,
                              control = costate_control()) {
  id <- factor(id, levels = unique(id))
  sorted <- order(id, time)
  n_y <- length(model$state)
  observed <- observed_states(model, value, length(sorted))
  start <- if (model$has_start) dose else y0
  if (is.null(start)) {
    stop(if (model$has_start) "this model needs dose, one for each id" else "this model needs y0, one column for each id")
  }
  if (!model$has_start) {
    start <- matrix(as.double(start), n_y, nlevels(id))
  }
  first <- as.double(c(0, cumsum(table(id))))
  pointer <- .Call(cr_objective_create, model$pointer, as.double(start), first, as.double(time)[sorted],
                   as.double(observed[, sorted]), as.double(t0), control)
  failed <- if (is.null(failed)) NULL else as.double(failed)
  list(fn = function(p) .Call(cr_objective_value, pointer, as.double(p), failed),
       gr = function(p) .Call(cr_objective_gradient, pointer, as.double(p)))
}

# One column for each row of the data, one row for each state; NA where the state was not observed.
observed_states <- function(model, value, n) {
  value <- if (is.matrix(value)) value else matrix(value, ncol = 1, dimnames = list(NULL, tail(model$state, 1)))
  if (is.null(colnames(value))) {
    colnames(value) <- head(model$state, ncol(value))
  }
  unknown <- setdiff(colnames(value), model$state)
  if (nrow(value) != n || length(unknown) > 0) {
    stop("value must have one row for each time, and columns named like states: ", paste(model$state, collapse = ", "))
  }
  observed <- matrix(NA_real_, length(model$state), n, dimnames = list(model$state, NULL))
  observed[colnames(value), ] <- t(value)
  observed
}
