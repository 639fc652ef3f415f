# SPDX-License-Identifier: MIT
# Networks against R's own arithmetic, and the gradient of a neural differential equation against published numbers.
library(costate)
same <- function(a, b, tolerance) stopifnot(all(is.finite(a)), length(a) == length(b),
                                            max(abs(a - b) / (1 + abs(b))) <= tolerance)

net <- costate_network(3, c(7, 2), c("tanh", "identity"), in_scale = c(1, 0.5, 2), out_shift = c(0.1, -0.2))
stopifnot(net$n_in == 3, net$n_out == 2, net$n_param == 3 * 7 + 7 + 7 * 2 + 2)
foreign <- 0.3 * sin(1 + 0.7 * (seq_len(net$n_param) - 1))
w1 <- matrix(foreign[1:21], 7); b1 <- foreign[22:28]; w2 <- matrix(foreign[29:42], 2); b2 <- foreign[43:44]
by_hand <- function(x) w2 %*% tanh(w1 %*% (c(1, 0.5, 2) * x) + b1) + b2 + c(0.1, -0.2)
p <- network_import(net, foreign, "column")
same(network_export(net, p, "column"), foreign, 0)
x <- matrix(cos(seq_len(12)), 3)
same(network_forward(net, p, x), by_hand(x), 1e-14)

v <- matrix(sin(3 * seq_len(8)), 2)
bar <- network_vjp(net, p, x, v)
loss <- function(p, x) sum(v * network_forward(net, p, x))
slope <- function(f, at, h = 1e-5) vapply(seq_along(at), function(k) {
  e <- replace(0 * at, k, h)
  (f(at + e) - f(at - e)) / (2 * h)
}, 0)
same(bar$p, slope(function(q) loss(q, x), p), 1e-8)
same(bar$x, slope(function(z) loss(p, matrix(z, 3)), x), 1e-8)

# The spiral: 30 points of y' = A y^3, and the network 2 -> 50 tanh -> 2 of y^3 that is to learn it.
times <- seq(0, 1.5, length.out = 30)
tight <- costate_control(method = "dop853", rtol = 1e-12, atol = 1e-13)
linear <- costate_network(2, 2, "identity", bias = FALSE, input_act = "cube")
truth <- costate_solve(costate_model(linear), network_import(linear, c(-0.1, -2, 2, -0.1), "row"), c(2, 0), times, tight)
spiral <- costate_network(2, c(50, 2), c("tanh", "identity"), input_act = "cube")
p <- network_import(spiral, 0.1 * sin(1 + 0.7 * (0:251)), "row")
loss <- costate_objective(costate_model(spiral), rep(1, 30), times, truth[, -1], y0 = c(2, 0), control = tight)
stopifnot(abs(loss$fn(p) - 179.4993723660) <= 1e-8)
g <- network_export(spiral, loss$gr(p), "row")
same(sqrt(sum(g^2)), 233.92695546, 1e-9)
same(g[c(1, 101, 151, 252)], c(-14.40600222, -2.04799302, 34.16885973, 28.33705057), 1e-8)
