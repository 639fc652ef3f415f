# SPDX-License-Identifier: MIT
# Networks.
costate_network <- function(n_in, units, act, bias = TRUE, input_act = "identity", in_scale = NULL, in_shift = NULL,
                            out_scale = NULL, out_shift = NULL) {
  n <- length(units)
  optional <- function(x) if (is.null(x)) NULL else as.double(x)
  scales <- list(in_scale = optional(in_scale), in_shift = optional(in_shift), out_scale = optional(out_scale),
                 out_shift = optional(out_shift))
  pointer <- .Call(cr_net_create, as.integer(units), rep_len(as.character(act), n), rep_len(as.logical(bias), n), n_in,
                   input_act, scales)
  size <- .Call(cr_net_size, pointer)
  structure(list(pointer = pointer, n_in = size[1], n_out = size[2], n_param = size[3]), class = "costate_network")
}

print.costate_network <- function(x, ...) {
  cat(sprintf("network: %d inputs, %d outputs, %d parameters\n", x$n_in, x$n_out, x$n_param))
  invisible(x)
}

network_import <- function(net, p, order = c("column", "row")) {
  .Call(cr_net_convert, net$pointer, as.double(p), match.arg(order), TRUE)
}

network_export <- function(net, p, order = c("column", "row")) {
  .Call(cr_net_convert, net$pointer, as.double(p), match.arg(order), FALSE)
}

network_forward <- function(net, p, x) {
  storage.mode(x) <- "double"
  .Call(cr_net_forward, net$pointer, as.double(p), x)
}

network_vjp <- function(net, p, x, v) {
  storage.mode(x) <- "double"
  .Call(cr_net_vjp, net$pointer, as.double(p), x, as.double(v))
}
